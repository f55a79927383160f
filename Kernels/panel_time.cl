/* Fused softmax attention along time for CPU devices: y[c, t] = Σ_u g[c, u] p[u, t] / Σ_u p[u, t] for each pixel,
 * p[u, t] = exp(scale · (θ_t · φ_u − max_u)), t and u being frames.
 *
 *   for each LANES neighbouring pixels, TIMES frames t:
 *       s[u, t] = Σ_c φ[c, u] θ[c, t]      for all u
 *       p = exp(scale · (s − max_u s))
 *       y[c, t] = Σ_u g[c, u] p[u, t] / Σ_u p[u, t]
 *
 * Groups are pixels here and a position is a frame. Lanes run along the groups, which lie side by side (s2 of
 * the views is 1) and are LANES at least, so each read is one vector and nothing is packed. The last vector of
 * an item ends with its last pixel: it computes some pixels of the one before again and leaves them alone.
 * Scores are halved and scaled as panel_attention.cl has it.
 *
 * Scratch, a work-item: TIMES · (⌈M / TIMES⌉ · TIMES) vectors.
 *
 * NDRange: (W), work-group size 1. One work-item: a run of vectors of pixels.
 */

/* Frames, and channels, that are taken together: TIMES · TIMES accumulators. */
#define TIMES 4
#define EACH_TIME(i) _Pragma("unroll") for (int i = 0; i < TIMES; i++)

/* s[u, t] for TIMES queries from t on and all keys, [u][TIMES]. */
static inline void time_scores(
    __global Lanes *restrict s, __global const float *restrict theta, const long8 thetaView,
    __global const float *restrict phi, const long8 phiView, const int width, const int t, const int queries,
    const int keys, const float sign)
{
    for (int u = 0; u < keys; u += TIMES) {
        Lanes sums[TIMES][TIMES];
        EACH_TIME(i) EACH_TIME(k) sums[k][i] = (Lanes)(0.0f);
        for (int first = 0; first < width; first += DEPTH) {
            Lanes a[TIMES][TIMES];
            EACH_TIME(i) EACH_TIME(k) a[k][i] = (Lanes)(0.0f);
            for (int c = first; c < min(first + DEPTH, width); c++) {
                Lanes query[TIMES];
                EACH_TIME(i) query[i] = LOAD(theta + AT(thetaView, c, min(t + i, queries - 1)));
                EACH_TIME(k) {
                    const Lanes key = LOAD(phi + AT(phiView, c, min(u + k, keys - 1)));
                    EACH_TIME(i) a[k][i] = fma(key, query[i], a[k][i]);
                }
            }
            EACH_TIME(i) EACH_TIME(k) sums[k][i] += a[k][i];
        }
        EACH_TIME(i) EACH_TIME(k) s[(u + k) * TIMES + i] = sign * sums[k][i];
    }
}

__kernel WORK_ITEM void panel_time(
    __global const float *restrict theta, const long8 thetaView, /* [pixels][d, N] */
    __global const float *restrict phi, const long8 phiView,     /* [pixels][d, M] */
    __global const float *restrict g, const long8 gView,         /* [pixels][d_v, M] */
    __global float *restrict y, const long8 yView,               /* [pixels][d_v, N] */
    const int width, const int valueChannels, const int queries, const int keys, /* d, d_v, N, M */
    const int pixels, const float scale,
    const int ownWeight, /* 0 included, 1 excluded, 2 that of the strongest other key */
    __global Lanes *restrict scratch, const long2 range /* of vectors, numbered pixels first, then items */)
{
    const int vectors = (pixels + LANES - 1) / LANES;
    const Lanes factor = BASE_TWO(scale);
    __global Lanes *const p = scratch + get_global_id(0) * ((keys + TIMES - 1) / TIMES * TIMES * TIMES);

    EACH_BLOCK(range) {
        const int from = min((int)(block % vectors) * LANES, pixels - LANES);
        const int repeated = (int)(block % vectors) * LANES - from;
        const long group = block / vectors * pixels + from;
        __global const float *const values = g + GROUP(gView, group);
        __global float *const result = y + GROUP(yView, group);
        for (int t = 0; t < queries; t += TIMES) {
            time_scores(
                p, theta + GROUP(thetaView, group), thetaView, phi + GROUP(phiView, group), phiView, width, t,
                queries, keys, scale < 0.0f ? -0.5f : 0.5f);
            Lanes total[TIMES];
            EACH_TIME(i) {
                if (ownWeight != 0 && t + i < keys) p[(t + i) * TIMES + i] = (Lanes)(-INFINITY);
                Lanes m = p[i];
                for (int u = 1; u < keys; u++) m = p[u * TIMES + i] > m ? p[u * TIMES + i] : m;
                total[i] = (Lanes)(0.0f);
                for (int u = 0; u < keys; u++) {
                    const Lanes weight =
                        ownWeight == 2 && u == t + i
                            ? (Lanes)(1.0f)
                            : power_of_two((p[u * TIMES + i] - m) * factor);
                    total[i] += weight;
                    p[u * TIMES + i] = weight;
                }
            }
            for (int c = 0; c < valueChannels; c += TIMES) {
                Lanes a[TIMES][TIMES];
                EACH_TIME(i) EACH_TIME(k) a[k][i] = (Lanes)(0.0f);
                for (int u = 0; u < keys; u++)
                    EACH_TIME(k) {
                        const Lanes value = LOAD(values + AT(gView, min(c + k, valueChannels - 1), u));
                        EACH_TIME(i) a[k][i] = fma(value, p[u * TIMES + i], a[k][i]);
                    }
                EACH_TIME(i) EACH_TIME(k) {
                    if (t + i >= queries || c + k >= valueChannels) continue;
                    const Lanes value = a[k][i] / total[i];
                    __global float *const to = result + AT(yView, c + k, t + i);
                    if (repeated == 0) {
                        STORE(value, to);
                    } else {
                        float lane[LANES];
                        STORE(value, lane);
                        for (int n = repeated; n < LANES; n++) to[n] = lane[n];
                    }
                }
            }
        }
    }
}
