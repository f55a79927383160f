/* Sums over the keys that panel_attention.cl gives out beside y where this file is compiled in front of it. They have to
 * agree with sums that are taken elsewhere (checksum.cl):
 *
 *   row 0, 1   Σ_j s[j, i] and Σ_j s[j, i]² of the scores before they are weighed
 *   row 2, 4   Σ_j p[j, i] and Σ_j p[j, i] values[j] of the weights as they are aggregated, values[j] = Σ_c v_c g[c, j]
 *   row 5      l, what y is divided by
 *
 * Row 3 is for squares of weights, which are not summed here. The state of a panel holds the first four behind y.
 */
#define SUMS
#define SUM_COUNT 4

/* What kernels take besides. */
#define SUM_PARAMETERS \
    , __global const float *restrict values, const long8 valuesView, __global float *restrict sums, const long8 sumsView
#define SUM_ARGUMENTS , values, valuesView, sums, sumsView

/* What a block of keys takes besides, of its group. */
#define SUMS_OF_KEYS_PARAMETERS , __global const float *restrict values, const long step
#define SUMS_OF_KEYS , values + GROUP(valuesView, group), valuesView.s4

/* What a panel of queries takes besides when it is finished. */
#define SUMS_OF_ROWS_PARAMETERS \
    , __global const float *restrict values, const long step, const float scale, __global float *restrict sums, \
    const long8 sumsView
#define SUMS_OF_ROWS , values + GROUP(valuesView, group), valuesView.s4, scale, sums + GROUP(sumsView, group), sumsView

/* Keys are taken two at a time, so that additions needn't wait for each other. */

/* Adds the scores of `keys` keys and their squares to a panel's sums. */
static inline void sum_scores(__global Lanes *restrict sums, __global const Lanes *restrict s, const int keys)
{
    Lanes sum[2][VECTORS], squares[2][VECTORS];
    for (int h = 0; h < 2; h++) EACH_VECTOR sum[h][v] = squares[h][v] = (Lanes)(0.0f);
#define ADD_SCORES \
    EACH_VECTOR { \
        const Lanes score = s[(j + h) * VECTORS + v]; \
        sum[h][v] += score; \
        squares[h][v] = fma(score, score, squares[h][v]); \
    }
    int j = 0;
    for (; j + 1 < keys; j += 2) _Pragma("unroll") for (int h = 0; h < 2; h++) ADD_SCORES
    if (j < keys) {
        const int h = 0;
        ADD_SCORES
    }
    EACH_VECTOR sums[v] += sum[0][v] + sum[1][v];
    EACH_VECTOR sums[VECTORS + v] += squares[0][v] + squares[1][v];
}

/* Adds the weights of `keys` keys, and the same times their values, to a panel's sums. */
static inline void sum_weights(
    __global Lanes *restrict sums, const Lanes rescale[VECTORS], __global const Lanes *restrict p,
    __global const float *restrict values, const long step, const int keys)
{
    Lanes sum[2][VECTORS], weighted[2][VECTORS];
    for (int h = 0; h < 2; h++) EACH_VECTOR sum[h][v] = weighted[h][v] = (Lanes)(0.0f);
#define ADD_WEIGHTS \
    EACH_VECTOR { \
        const Lanes weight = p[(j + h) * VECTORS + v]; \
        sum[h][v] += weight; \
        weighted[h][v] = fma(weight, (Lanes)(values[(j + h) * step]), weighted[h][v]); \
    }
    int j = 0;
    for (; j + 1 < keys; j += 2) _Pragma("unroll") for (int h = 0; h < 2; h++) ADD_WEIGHTS
    if (j < keys) {
        const int h = 0;
        ADD_WEIGHTS
    }
    EACH_VECTOR sums[2 * VECTORS + v] = fma(sums[2 * VECTORS + v], rescale[v], sum[0][v] + sum[1][v]);
    EACH_VECTOR sums[3 * VECTORS + v] = fma(sums[3 * VECTORS + v], rescale[v], weighted[0][v] + weighted[1][v]);
}

/* Gives out a vector's sums, brought to whole scores, and l. */
static inline void store_sums(
    const Lanes scores, const Lanes squares, const Lanes weights, const Lanes weighted, const Lanes l,
    const float scale, __global float *restrict sums, const long8 view, const long n, const long count)
{
    store_some((scale < 0.0f ? -2.0f : 2.0f) * scores, sums + AT(view, 0, n), view.s4, count);
    store_some(4.0f * squares, sums + AT(view, 1, n), view.s4, count);
    store_some(weights, sums + AT(view, 2, n), view.s4, count);
    store_some(weighted, sums + AT(view, 4, n), view.s4, count);
    store_some(l, sums + AT(view, 5, n), view.s4, count);
}
