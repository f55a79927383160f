/* Softmax over the keys of each query, in place: p[j, i] = exp(scale · (s_j − m)) / Σ_j exp(scale · (s_j − m)),
 * m the row's maximum, or its minimum under a negative scale.
 *
 * The difference of two finite scores may overflow, half of it can't; scaling comes after it, so no finite
 * score gives a NaN.
 *
 * NDRange: (rows i of the block, rounded up; 1; groups of the block). One work-item: one query.
 */
__kernel void softmax(__global float *restrict s, const float scale, const int keys, const int rows)
{
    const int i = get_global_id(0);
    const long group = get_global_id(2);
    if (i >= rows) return;
    s += group * keys * rows + i;

    float extreme = s[0];
    for (int j = 1; j < keys; j++) {
        const float score = s[(long)j * rows];
        extreme = scale < 0.0f ? fmin(extreme, score) : fmax(extreme, score);
    }
    float sum = 0.0f;
    for (int first = 0; first < keys; first += CHUNK) {
        float part = 0.0f;
        for (int j = first; j < min(first + CHUNK, keys); j++) {
            const float weight = exp((0.5f * s[(long)j * rows] - 0.5f * extreme) * scale * 2.0f);
            s[(long)j * rows] = weight;
            part += weight;
        }
        sum += part;
    }
    for (int j = 0; j < keys; j++) s[(long)j * rows] /= sum;
}
