/* Fused softmax attention on tensor cores: y[c, i] = Σ_j g[c, j] p[j, i] / Σ_j p[j, i],
 * p[j, i] = exp(scale · (s[j, i] − m_i)), s[j, i] = θ_i · φ_j, m_i the greatest so far (online softmax).
 *
 * A work-group takes BLOCK_ROWS queries and a share of the keys, KEYS at a time. Its warps form a grid of
 * ROW_WARPS × SLICES: a warp has ROW_TILES tiles of 16 queries and a slice of the channels, of θ and φ while it
 * scores, of g and y while it aggregates. So a part of φ or g is read from local memory by ROW_WARPS warps only,
 * each of which uses it ROW_TILES times. Where there are several slices, each warp hands its part of the scores
 * to the one of its row of warps that has the 8 queries in question, which weighs them and hands the weights to
 * all of that row.
 *
 *   scores of the first block
 *   for each block of keys:
 *       weigh it, and score the next one, if there is one: one needs no tensor cores and the other little else
 *       aggregate it, and hand on the scores of the next one
 *
 * φ comes in PHI_STAGES pieces and g in G_STAGES, through a ring of RING buffers, RING − 1 pieces ahead.
 *
 * Weights are 2¹⁴ times too large, like everything that becomes float16, and so is their sum.
 * With PARTS 2 no sum of the tensor cores, which round toward zero, is longer than CHAIN · 16 terms or carried
 * from one block of keys to the next.
 */

/* d and d_v, rounded up to 16 · SLICES · stages. */
#ifndef WIDTH
#define WIDTH 64
#endif
#ifndef VALUES
#define VALUES 64
#endif

#ifndef ROW_WARPS
#define ROW_WARPS 4
#endif
#ifndef SLICES
#define SLICES 1
#endif
#ifndef ROW_TILES
#define ROW_TILES 1
#endif

/* Keys of a block, a multiple of 16. */
#ifndef KEYS
#define KEYS 16
#endif

#ifndef PHI_STAGES
#define PHI_STAGES 1
#endif
#ifndef G_STAGES
#define G_STAGES 1
#endif
#ifndef RING
#define RING 2
#endif

/* Steps of 16 channels, of those in a stage, whose θ stays in registers. The others are read again for each block of
 * keys, from the first-level cache. */
#ifndef KEPT
#define KEPT STEPS
#endif

/* Steps of 16 terms that the tensor cores sum by themselves. */
#ifndef CHAIN
#define CHAIN (PARTS == 1 ? WIDTH : 4)
#endif

#define THREADS (32 * ROW_WARPS * SLICES)
#define BLOCK_ROWS (ROW_WARPS * ROW_TILES * 16)
#define KEY_TILES (KEYS / 16)
#define STEPS (WIDTH / 16 / SLICES / PHI_STAGES)       /* term tiles of a warp in a stage of φ */
#define VALUE_TILES (VALUES / 16 / SLICES / G_STAGES)  /* channel tiles of a warp in a stage of g */
#define EIGHTS (2 * ROW_TILES)                         /* eights of queries of a warp */
#define OWNED (EIGHTS / SLICES)                        /* those that it weighs */

/* The arena, in uint4: the ring, then, where there are several slices, a record for each eight of queries. It has
 * a slot for each slice's part of the scores. The warp that weighs an eight keeps its own part, so its slot is free
 * for weights, as left fragments of two eights: with PARTS 1 in the slot of the first, the second one's having the
 * factors of both; with PARTS 2 in both slots, the factors lying behind the others. */
#define PHI_STAGE (KEY_TILES * STEPS * SLICES * FRAGMENT)
#define G_STAGE (KEY_TILES * VALUE_TILES * SLICES * FRAGMENT)
#define STAGE (PHI_STAGE > G_STAGE ? PHI_STAGE : G_STAGE)
#define RECORDS_AT (RING * STAGE)
#define SLOT (KEY_TILES * 2 * 32)                          /* in uint2 */
#define RECORD (SLICES * SLOT + (PARTS == 1 ? 0 : 32))     /* in uint2 */
#define ARENA (RECORDS_AT + (SLICES == 1 ? 0 : ROW_WARPS * EIGHTS * RECORD / 2))

/* Pieces that a turn of the loop takes: those of φ of the next block, then those of g of this one. The pieces of
 * the first φ come before them, as −PHI_STAGES … −1. */
#define PIECES (PHI_STAGES + G_STAGES)
#define IS_PHI(piece) ((piece) < 0 || (piece) % PIECES < PHI_STAGES)
/* Which buffer of the ring a piece goes to; PIECES is a multiple of RING. */
#define BUFFER_OF(piece) (((piece) + PHI_STAGES) % RING)

/* Whether the stages of φ are a loop. Where θ is read again for many, compilers would begin with that of all of them
 * at once, for which there are no registers. */
#define IS_ROLLED (KEPT == 0 && PHI_STAGES > 4 && PHI_STAGES % RING == 0)

/* What of φ and g is still to be sent, from this work-item's place on. */
typedef struct {
    __global const uint4 *phi, *g;
} Stream;

INLINE void send_all(Warp *const warp, const int to, __global const uint4 *const from, const int size)
{
    const int thread = THREAD;
    EACH(i, (size + THREADS - 1) / THREADS)
        if (size % THREADS == 0 || i * THREADS + thread < size)
            copy_async(warp, thread, to + i * THREADS, from + i * THREADS);
}

/* Starts a piece on its way into a buffer, if `blocks` blocks, this one and those after it, have it. */
INLINE void send(Warp *const warp, Stream *const stream, const int piece, const int buffer, const int blocks)
{
    if (IS_PHI(piece)) {
        if (piece < 0 || piece / PIECES + 1 < blocks) send_all(warp, buffer * STAGE, stream->phi, PHI_STAGE);
        stream->phi += PHI_STAGE;
    } else {
        if (piece / PIECES < blocks) send_all(warp, buffer * STAGE, stream->g, G_STAGE);
        stream->g += G_STAGE;
    }
    copies_commit(warp);
}

/* Waits for a piece, and sends the one that takes the place of the last. Returns where it lies. */
INLINE int receive(Warp *const warp, Stream *const stream, const int piece, const int buffer, const int blocks)
{
    WAIT(warp);
    warp_barrier(warp);
    send(warp, stream, piece + RING - 1, (buffer + RING - 1) % RING, blocks);
    return buffer * STAGE;
}

