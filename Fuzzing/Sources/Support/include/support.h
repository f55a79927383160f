#pragma once
#include <stddef.h>

/// From here on the calling thread's bytes are counted, from 0.
void allocations_begin(void);
/// The most bytes that it has held at once since.
size_t allocations_most(void);

/// The descriptor of a new file without a disk; negative if there is none.
int memory_file(void);
