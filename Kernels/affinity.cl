/* The score of each pair, for a block of queries: s[j, i], not yet scaled.
 *   affinity_dot_product                θ_iᵀ φ_j
 *   affinity_negative_squared_distance  −‖θ_i − φ_j‖²
 *   affinity_outer_sum                  a_i + b_j, with a and b in place of θ and φ
 *
 * Queries run fastest, s is [group][key j][row i]: neighbouring work-items touch neighbouring memory in this
 * and all later stages, and nothing is ever transposed.
 *
 * NDRange: (rows i of the block, rounded up; ⌈keys / ROWS⌉; groups of the block).
 * One work-item: ROWS keys of one query.
 */
#define AFFINITY_PARAMETERS \
    __global const float *restrict theta, const long8 thetaView, /* [d, rows] */ \
    __global const float *restrict phi, const long8 phiView,     /* [d, keys] */ \
    __global float *restrict s, \
    const int width,                                          /* d */ \
    const int keys,                                           /* M */ \
    const int firstGroup, const int firstRow, const int rows  /* of the block */
#define AFFINITY_ARGUMENTS \
    theta, thetaView, phi, phiView, s, width, keys, firstGroup, firstRow, rows

static void affinity(const int isDistance, AFFINITY_PARAMETERS)
{
    const int i = get_global_id(0);
    const int firstKey = get_global_id(1) * ROWS;
    const long group = get_global_id(2);
    if (i >= rows) return;
    theta += GROUP(thetaView, firstGroup + group);
    phi += GROUP(phiView, firstGroup + group);

    theta += AT(thetaView, 0, firstRow + i);
    float total[ROWS];
    long key[ROWS];
    EACH_ROW total[r] = 0.0f;
    EACH_ROW key[r] = AT(phiView, 0, min(firstKey + r, keys - 1));
    for (int first = 0; first < width; first += CHUNK) {
        const int last = min(first + CHUNK, width);
        float part[ROWS];
        EACH_ROW part[r] = 0.0f;
        for (int c = first; c < last; c++) {
            const float a = theta[c * thetaView.s3];
            EACH_ROW {
                const float b = phi[key[r] + c * phiView.s3];
                part[r] += isDistance ? -(a - b) * (a - b) : a * b;
            }
        }
        EACH_ROW total[r] += part[r];
    }
    for (int r = 0; r < ROWS && firstKey + r < keys; r++)
        s[(group * keys + firstKey + r) * rows + i] = total[r];
}

__kernel void affinity_dot_product(AFFINITY_PARAMETERS) { affinity(0, AFFINITY_ARGUMENTS); }

__kernel void affinity_negative_squared_distance(AFFINITY_PARAMETERS) { affinity(1, AFFINITY_ARGUMENTS); }

__kernel void affinity_outer_sum(AFFINITY_PARAMETERS)
{
    const int i = get_global_id(0);
    const int firstKey = get_global_id(1) * ROWS;
    const long group = get_global_id(2);
    if (i >= rows) return;
    const float query = theta[GROUP(thetaView, firstGroup + group) + AT(thetaView, 0, firstRow + i)];
    phi += GROUP(phiView, firstGroup + group);
    for (int j = firstKey; j < min(firstKey + ROWS, keys); j++)
        s[(group * keys + j) * rows + i] = query + phi[AT(phiView, 0, j)];
}
