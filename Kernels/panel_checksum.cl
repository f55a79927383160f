/* The sums of checksum.cl over packed tensors (panel_pack.cl), which are read as they lie:
 *
 *   panel_checksum_rows  φ, packed BY_ROWS: of each part of DEPTH channels Σ_c v_c φ[c, j] and Σ_c φ[c, j]² into two rows
 *                        of `sums`, and for its channels what checksum_positions gives
 *   panel_checksum_keys  g, packed BY_KEYS: Σ_c v_c g[c, j] and Σ_c g[c, j]²
 *
 * ROWS vectors hold LANES neighbouring groups of ROWS numbers; sums are taken in them as they lie, and folded at the end.
 *
 * NDRange: panel_checksum_rows (⌈d / DEPTH⌉, 1, groups), panel_checksum_keys (⌈M / KEYS⌉, 1, groups), work-group size 1.
 */

/* Tiles of keys whose sums are taken in one accumulator. */
#define TILES_OF_PART 64

__kernel WORK_ITEM void panel_checksum_rows(
    __global const float *restrict phi, const long8 view,
    __global const float *restrict weights, /* v [d] */
    const int channels, const int positions,
    __global float *restrict sums, const long8 sumsView, /* [2 · parts][positions] */
    __global float *restrict channelSums)                /* [groups][4][d] */
{
    const long part = get_global_id(0), group = get_global_id(2);
    const int first = part * DEPTH, terms = min(DEPTH, channels - first);
    const long tiles = (positions + ROWS - 1) / ROWS;
    const int vectors = terms / LANES * ROWS; /* of a tile, those that hold whole groups */
    phi += GROUP(view, group) + first * tiles * ROWS;
    weights += first;
    sums += GROUP(sumsView, group) + AT(sumsView, 2 * part, 0);

    Lanes factor[DEPTH / LANES * ROWS];
    float total[2][DEPTH];
    for (int i = 0; i < vectors; i++) {
        float lane[LANES];
        for (int e = 0; e < LANES; e++) lane[e] = weights[(i * LANES + e) / ROWS];
        factor[i] = LOAD(lane);
    }
    for (int k = 0; k < terms; k++) total[0][k] = total[1][k] = 0.0f;

    for (long firstTile = 0; firstTile < tiles; firstTile += TILES_OF_PART) {
        Lanes along[DEPTH / LANES * ROWS], alongSquares[DEPTH / LANES * ROWS];
        for (int i = 0; i < vectors; i++) along[i] = alongSquares[i] = (Lanes)(0.0f);
        for (long tile = firstTile; tile < min(firstTile + TILES_OF_PART, tiles); tile++) {
            __global const float *const p = phi + tile * terms * ROWS;
            const int keys = min((long)ROWS, positions - tile * ROWS), isWhole = keys == ROWS;
            float key[2][ROWS];
            EACH_ROW key[0][r] = key[1][r] = 0.0f;
            if (isWhole) {
                Lanes sum[ROWS], square[ROWS];
                EACH_ROW sum[r] = square[r] = (Lanes)(0.0f);
                for (int i = 0; i < vectors; i += ROWS)
                    EACH_ROW {
                        const Lanes value = LOAD(p + (i + r) * LANES);
                        sum[r] = fma(factor[i + r], value, sum[r]);
                        square[r] = fma(value, value, square[r]);
                        along[i + r] += value;
                        alongSquares[i + r] = fma(value, value, alongSquares[i + r]);
                    }
                float lane[2][ROWS * LANES];
                EACH_ROW STORE(sum[r], lane[0] + r * LANES);
                EACH_ROW STORE(square[r], lane[1] + r * LANES);
                for (int k = 0; k < LANES; k++)
                    EACH_ROW {
                        key[0][r] += lane[0][k * ROWS + r];
                        key[1][r] += lane[1][k * ROWS + r];
                    }
            }
            for (int k = isWhole ? terms / LANES * LANES : 0; k < terms; k++)
                for (int r = 0; r < keys; r++) {
                    const float value = p[k * ROWS + r];
                    key[0][r] += weights[k] * value;
                    key[1][r] += value * value;
                    total[0][k] += value;
                    total[1][k] += value * value;
                }
            for (int r = 0; r < keys; r++) {
                sums[AT(sumsView, 0, tile * ROWS + r)] = key[0][r];
                sums[AT(sumsView, 1, tile * ROWS + r)] = key[1][r];
            }
        }
        for (int i = 0; i < vectors; i++) {
            float lane[2 * LANES];
            STORE(along[i], lane);
            STORE(alongSquares[i], lane + LANES);
            for (int e = 0; e < LANES; e++) {
                total[0][(i * LANES + e) / ROWS] += lane[e];
                total[1][(i * LANES + e) / ROWS] += lane[LANES + e];
            }
        }
    }
    channelSums += group * 4 * channels + first;
    for (int k = 0; k < terms; k++) {
        channelSums[k] = weights[k];
        channelSums[channels + k] = total[0][k];
        channelSums[2 * channels + k] = 1.0f;
        channelSums[3 * channels + k] = total[1][k];
    }
}

__kernel WORK_ITEM void panel_checksum_keys(
    __global const float *restrict g, const long8 view,
    __global const float *restrict weights, /* v [d_v], ±1 */
    const int channels, const int positions,
    __global float *restrict sums, const long8 sumsView) /* [2][positions] */
{
    const long block = get_global_id(0), group = get_global_id(2);
    const int tiles = (channels + ROWS - 1) / ROWS;
    g += GROUP(view, group) + block * tiles * KEYS * ROWS;
    sums += GROUP(sumsView, group);

    Lanes sum[KEYS * ROWS / LANES], square[KEYS * ROWS / LANES];
    for (int i = 0; i < KEYS * ROWS / LANES; i++) sum[i] = square[i] = (Lanes)(0.0f);
    for (int tile = 0; tile < tiles; tile++) {
        float weight[ROWS];
        EACH_ROW {
            const int c = tile * ROWS + r;
            weight[r] = c < channels ? weights[c] : 0.0f;
        }
        Lanes factor[ROWS];
        EACH_ROW {
            float lane[LANES];
            _Pragma("unroll") for (int e = 0; e < LANES; e++) lane[e] = weight[(r * LANES + e) % ROWS];
            factor[r] = LOAD(lane);
        }
        for (int i = 0; i < KEYS * ROWS / LANES; i += ROWS)
            EACH_ROW {
                /* Nothing of what fills the last tile up. */
                const Lanes value = factor[r] * LOAD(g + (i + r) * LANES);
                sum[i + r] += value;
                square[i + r] = fma(value, value, square[i + r]);
            }
        g += KEYS * ROWS;
    }
    float lane[2][KEYS * ROWS];
    for (int i = 0; i < KEYS * ROWS / LANES; i++) {
        STORE(sum[i], lane[0] + i * LANES);
        STORE(square[i], lane[1] + i * LANES);
    }
    for (int j = 0; j < min((long)KEYS, positions - block * KEYS); j++) {
        float total = 0.0f, squareTotal = 0.0f;
        EACH_ROW {
            total += lane[0][j * ROWS + r];
            squareTotal += lane[1][j * ROWS + r];
        }
        sums[AT(sumsView, 0, block * KEYS + j)] = total;
        sums[AT(sumsView, 1, block * KEYS + j)] = squareTotal;
    }
}
