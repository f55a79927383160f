#define _GNU_SOURCE
#include "support.h"
#include <sys/mman.h>

int memory_file(void) { return memfd_create("input", MFD_CLOEXEC); }
