/* Sums over a tensor, to be compared with sums of what it was made of: a product W x has Σ_r v_r (W x)_r = (Wᵀv)ᵀ x.
 *
 *   checksum_1 … 4      sums[k, n] = Σ_c weights[k, c] x[c, n] for 1 to 4 rows k, and in a row below them, where
 *                       that is wanted, Σ_c squares[c] x[c, n]²
 *   checksum_positions  of each channel: v_c, Σ_n x[c, n], 1, Σ_n x[c, n]²; the first three are weights and squares of
 *                       a checksum
 *
 * Sums are taken STEP terms at a time, in parts of PART terms. A CPU device's work-item has `run` positions of STEP
 * channels side by side, a multiple of LANES and RUN at most, so that it reads along rows; elsewhere one position or
 * channel.
 *
 * NDRange: checksum (⌈positions / run⌉, 1, groups), checksum_positions (channels, 1, groups); the first rounded up.
 */

/* Terms that are summed in registers, and those of a part, a multiple. */
#define STEP 8
#define PART 128
#define EACH_TERM _Pragma("unroll") for (int t = 0; t < STEP; t++)

#ifdef LANES
#define RUN 1024
#else
/* Without panel_tile.cl. */
#define LANES 1
#define RUN 1
#define WORK_ITEM
#define LOAD(p) (*(p))
#define STORE(value, p) (*(p) = (value))
typedef float Lanes;
static float load_some(__global const float *p, const long step, const long count)
{
    return count > 0 ? p[0] : 0.0f;
}
static void store_some(const float value, __global float *p, const long step, const long count)
{
    if (count > 0) p[0] = value;
}
#endif
#define VECTORS_OF_RUN (RUN / LANES)

/* Has a line of memory fetched that a CPU device's work-item reads soon: prefetch() does nothing in PoCL. Oclgrind,
 * which compiles without optimisation, can't run it. */
#if RUN > 1 && defined(__OPTIMIZE__)
#define FETCH(p) __builtin_prefetch(p)
#else
#define FETCH(p)
#endif

#define CHECKSUM_PARAMETERS \
    __global const float *restrict x, const long8 view, \
    __global const float *restrict weights, const long8 weightsView, /* [rows k][channels], as channels, positions */ \
    __global const float *restrict squares, const int hasSquares, \
    const int channels, const int positions, \
    const int firstGroup, /* that weights and sums have for the first one of x */ \
    const int run, \
    __global float *restrict sums, const long8 sumsView /* [rows k, and one more][positions] */
#define CHECKSUM_ARGUMENTS \
    x, view, weights, weightsView, squares, hasSquares, channels, positions, firstGroup, run, sums, sumsView

/* Adds STEP terms to the sums of one vector of positions, and their squares to the one behind those. */
static inline void add_terms(
    Lanes part[5], const Lanes value[STEP], const float weight[4][STEP], const float square[STEP], const int rows,
    const int hasSquares)
{
    for (int k = 0; k < rows; k++) {
        Lanes sum = (Lanes)(0.0f);
        EACH_TERM sum = fma((Lanes)(weight[k][t]), value[t], sum);
        part[k] += sum;
    }
    if (hasSquares) {
        Lanes sum = (Lanes)(0.0f);
        EACH_TERM sum = fma(square[t] * value[t], value[t], sum);
        part[rows] += sum;
    }
}

static inline void checksum(const int rows, CHECKSUM_PARAMETERS)
{
    const long group = get_global_id(2), first = (long)get_global_id(0) * run;
    if (first >= positions) return;
    x += GROUP(view, group) + AT(view, 0, first);
    weights += GROUP(weightsView, firstGroup + group);
    sums += GROUP(sumsView, firstGroup + group);
    const int count = min((long)run, positions - first), vectors = (count + LANES - 1) / LANES;

    Lanes total[VECTORS_OF_RUN][5], part[VECTORS_OF_RUN][5];
    for (int v = 0; v < vectors; v++)
        for (int k = 0; k <= rows; k++) total[v][k] = part[v][k] = (Lanes)(0.0f);
    for (int c = 0; c < channels; c += STEP) {
        float weight[4][STEP], square[STEP];
        for (int k = 0; k < rows; k++)
            EACH_TERM weight[k][t] = weights[AT(weightsView, k, min(c + t, channels - 1))];
        EACH_TERM square[t] = hasSquares ? squares[min(c + t, channels - 1)] : 0.0f;
        Lanes value[STEP];
        const int whole = view.s4 == 1 && c + STEP <= channels ? count / LANES : 0;
        __global const float *row = x;
        for (int v = 0; v < whole; v++, row += LANES) {
            EACH_TERM FETCH(row + (t + STEP) * view.s3);
            EACH_TERM value[t] = LOAD(row + t * view.s3);
            add_terms(part[v], value, weight, square, rows, hasSquares);
        }
        for (int v = whole; v < vectors; v++) {
            EACH_TERM value[t] = c + t < channels
                ? load_some(x + AT(view, t, v * LANES), view.s4, count - v * LANES)
                : (Lanes)(0.0f);
            add_terms(part[v], value, weight, square, rows, hasSquares);
        }
        x += STEP * view.s3;
        if ((c + STEP) % PART != 0 && c + STEP < channels) continue;
        for (int v = 0; v < vectors; v++)
            for (int k = 0; k <= rows; k++) {
                total[v][k] += part[v][k];
                part[v][k] = (Lanes)(0.0f);
            }
    }
    for (int k = 0; k < rows + hasSquares; k++)
        for (int v = 0; v < vectors; v++)
            store_some(total[v][k], sums + AT(sumsView, k, first + v * LANES), sumsView.s4, count - v * LANES);
}

__kernel WORK_ITEM void checksum_1(CHECKSUM_PARAMETERS) { checksum(1, CHECKSUM_ARGUMENTS); }
__kernel WORK_ITEM void checksum_2(CHECKSUM_PARAMETERS) { checksum(2, CHECKSUM_ARGUMENTS); }
__kernel WORK_ITEM void checksum_3(CHECKSUM_PARAMETERS) { checksum(3, CHECKSUM_ARGUMENTS); }
__kernel WORK_ITEM void checksum_4(CHECKSUM_PARAMETERS) { checksum(4, CHECKSUM_ARGUMENTS); }

__kernel WORK_ITEM void checksum_positions(
    __global const float *restrict x, const long8 view,
    __global const float *restrict weights, /* v [channels] */
    const int channels, const int positions,
    __global float *restrict sums) /* [groups][4][channels] */
{
    const long c = get_global_id(0), group = get_global_id(2);
    if (c >= channels) return;
    x += GROUP(view, group) + AT(view, c, 0);
    Lanes sum = (Lanes)(0.0f), square = (Lanes)(0.0f);
    for (long first = 0; first < positions; first += PART * LANES) {
        Lanes part = (Lanes)(0.0f), squarePart = (Lanes)(0.0f);
        for (long n = first; n < min(first + PART * LANES, (long)positions); n += LANES) {
            const Lanes value = load_some(x + AT(view, 0, n), view.s4, positions - n);
            part += value;
            squarePart = fma(value, value, squarePart);
        }
        sum += part;
        square += squarePart;
    }
    float lane[2 * LANES], total = 0.0f, squareTotal = 0.0f;
    STORE(sum, lane);
    STORE(square, lane + LANES);
    for (int i = 0; i < LANES; i++) {
        total += lane[i];
        squareTotal += lane[LANES + i];
    }
    sums += group * 4 * channels + c;
    sums[0] = weights[c];
    sums[channels] = total;
    sums[2 * channels] = 1.0f;
    sums[3 * channels] = squareTotal;
}
