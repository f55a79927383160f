/* Joins the shares of keys that panel_attention.cl left: with m = max_s m_s and w_s = exp(scale · (m_s − m)),
 *   y[c, i] = Σ_s w_s y_s[c, i] / Σ_s w_s l_s
 *
 * NDRange: (⌈N / PANEL⌉, groups), work-group size 1. One work-item: one panel of queries.
 */
__kernel WORK_ITEM void panel_merge(
    __global Lanes *restrict shared, /* [groups][⌈N / PANEL⌉][shares] of m, l, y: each [PANEL], y for every channel */
    __global const float *residual, const long8 residualView, /* [d_v, N], added to y, if given */
    __global float *y, const long8 yView,                     /* [d_v, N] */
    const int valueChannels, const int queries, const int shares, const float scale, __global uint *misfits,
    const int watches SUM_PARAMETERS)
{
    const long panel = get_global_id(0), group = get_global_id(1);
    const int tiles = (valueChannels + ROWS - 1) / ROWS;
    const long stateSize = (long)(tiles * ROWS + 2 + SUM_COUNT) * VECTORS;
    const Lanes factor = BASE_TWO(scale);
    shared += (group * get_global_size(0) + panel) * shares * stateSize;
    y += GROUP(yView, group);
    __global const float *const from = GIVEN(residualView, residual + GROUP(residualView, group));

    Lanes zeros = (Lanes)(0.0f);
    EACH_VECTOR {
        const long n = panel * PANEL + v * LANES;
        if (n >= queries) continue;
        __global Lanes *const first = shared + v;
        Lanes m = first[0];
        for (int share = 1; share < shares; share++) {
            const Lanes other = first[share * stateSize];
            m = other > m ? other : m;
        }
        Lanes l = (Lanes)(0.0f);
        for (int share = 0; share < shares; share++) {
            __global Lanes *const state = first + share * stateSize;
            state[0] = power_of_two((state[0] - m) * factor);
            l = fma(state[VECTORS], state[0], l);
        }
#ifdef SUMS
        /* values are in the sums already. */
        Lanes scores = (Lanes)(0.0f), squares = (Lanes)(0.0f), weights = (Lanes)(0.0f), weighted = (Lanes)(0.0f);
        for (int share = 0; share < shares; share++) {
            __global const Lanes *const state = first + share * stateSize;
            __global const Lanes *const sum = state + (2 + tiles * ROWS) * VECTORS;
            scores += sum[0];
            squares += sum[VECTORS];
            weights = fma(sum[2 * VECTORS], state[0], weights);
            weighted = fma(sum[3 * VECTORS], state[0], weighted);
        }
        store_sums(
            scores, squares, weights, weighted, l, scale, sums + GROUP(sumsView, group), sumsView, n, queries - n);
#endif
        for (int c = 0; c < valueChannels; c++) {
            Lanes sum = (Lanes)(0.0f);
            for (int share = 0; share < shares; share++) {
                __global const Lanes *const state = first + share * stateSize;
                sum = fma(state[(c + 2) * VECTORS], state[0], sum);
            }
            sum /= l;
            zeros = fma(sum, (Lanes)(0.0f), zeros);
            if (from) sum += load_some(from + AT(residualView, c, n), residualView.s4, queries - n);
            store_some(sum, y + AT(yView, c, n), yView.s4, queries - n);
        }
    }
    note_misfits(watches ? misfits : 0, zeros);
}
