/* The score of each pair, for a block of queries: s[j, i], not yet scaled.
 *   SCORE_DOT_PRODUCT                θ_iᵀ φ_j
 *   SCORE_NEGATIVE_SQUARED_DISTANCE  −‖θ_i − φ_j‖²
 *   SCORE_OUTER_SUM                  a_i + b_j, with a and b in place of θ and φ (width 1)
 *
 * Queries run fastest, s is [group][key j][row i]: neighbouring work-items touch neighbouring memory in this
 * and all later stages, and nothing is ever transposed.
 *
 * NDRange: (rows i of the block, rounded up; ⌈keys / ROWS⌉; groups of the block).
 * One work-item: ROWS keys of one query.
 */
#if defined(SCORE_NEGATIVE_SQUARED_DISTANCE)
#define TERM(theta, phi) (-((theta) - (phi)) * ((theta) - (phi)))
#elif defined(SCORE_OUTER_SUM)
#define TERM(theta, phi) ((theta) + (phi))
#else
#define TERM(theta, phi) ((theta) * (phi))
#endif

__kernel void affinity(
    __global const float *restrict theta, const long8 thetaView,
    __global const float *restrict phi, const long8 phiView,
    __global float *restrict s,
    const int width,                         /* d */
    const int keys,                          /* M */
    const int firstGroup, const int firstRow, const int rows) /* of the block */
{
    const int i = get_global_id(0);
    const int firstKey = get_global_id(1) * ROWS;
    const long group = get_global_id(2);
    if (i >= rows) return;
    theta += GROUP(thetaView, firstGroup + group);
    phi += GROUP(phiView, firstGroup + group);

    float total[ROWS];
    for (int r = 0; r < ROWS; r++) total[r] = 0.0f;
    for (int first = 0; first < width; first += CHUNK) {
        const int last = min(first + CHUNK, width);
        float part[ROWS];
        for (int r = 0; r < ROWS; r++) part[r] = 0.0f;
        for (int c = first; c < last; c++) {
            const float query = theta[AT(thetaView, c, firstRow + i)];
            for (int r = 0; r < ROWS; r++)
                part[r] += TERM(query, phi[AT(phiView, c, min(firstKey + r, keys - 1))]);
        }
        for (int r = 0; r < ROWS; r++) total[r] += part[r];
    }
    for (int r = 0; r < ROWS && firstKey + r < keys; r++)
        s[(group * keys + firstKey + r) * rows + i] = total[r];
}
