/* The steps of warp_attention.cl: score, weigh, aggregate. */

/* Where a work-item stands. */
typedef struct {
    int lane, rowWarp, slice;
    /* This lane's place in the record of the first eight queries of its row of warps, in uint2, and that in the
     * weights of the first two eights if they were to begin where the record does, in uint4. */
    int record, weights;
} Place;

typedef struct {
    float4 s[ROW_TILES][KEY_TILES * 2];
    uint4 p[ROW_TILES][KEY_TILES][PARTS];
    float2 mine[OWNED][KEY_TILES * 2]; /* this warp's part of the scores that it weighs */
    float m[EIGHTS], l[EIGHTS], rescale[EIGHTS];
    float4 y[ROW_TILES][G_STAGES * VALUE_TILES * 2];
} State;

/* Where a fragment of θ lies, from the first one of this row of warps. */
#define THETA(tile, stage, k) (((tile) * (WIDTH / 16) + ((stage) * SLICES + place->slice) * STEPS + (k)) * FRAGMENT)

/* Adds a stage of φ's channels to the scores of a block of keys. */
INLINE void score(
    Warp *const warp, const Place *const place, State *const state, const uint4 theta[ROW_TILES][PHI_STAGES * STEPS][PARTS],
    __global const uint4 *const image, const int stage, const int at)
{
    /* One chain takes all stages, or each stage has its own. */
    const int isWhole = CHAIN >= STEPS * PHI_STAGES;
    UNROLL for (int first = 0; first < STEPS; first += CHAIN) {
        float4 chain[ROW_TILES][KEY_TILES * 2];
        EACH(m, ROW_TILES) EACH(n, KEY_TILES * 2) chain[m][n] = isWhole ? state->s[m][n] : (float4)(0.0f);
        UNROLL for (int k = first; k < min(first + CHAIN, STEPS); k++) {
            uint4 a[ROW_TILES][PARTS];
            EACH(m, ROW_TILES) EACH(part, PARTS)
                a[m][part] = k < KEPT ? theta[m][stage * STEPS + k][part]
                                      : read_again(image + THETA(m, stage, k) + part * 32);
            EACH(r, KEY_TILES) {
                uint4 b[PARTS];
                EACH(part, PARTS) b[part] = read_shared4(
                    warp, place->slice * STEPS * KEY_TILES * FRAGMENT + place->lane, at + (k * KEY_TILES + r) * FRAGMENT + part * 32);
                EACH(m, ROW_TILES) EACH(upper, 2)
                    chain[m][2 * r + upper] = multiply(warp, chain[m][2 * r + upper], a[m], b, upper);
            }
        }
        EACH(m, ROW_TILES) EACH(n, KEY_TILES * 2)
            state->s[m][n] = isWhole ? chain[m][n] : state->s[m][n] + chain[m][n];
    }
}

#define EIGHT_OF(value, eight) ((eight) % 2 ? (value).zw : (value).xy)

#if SLICES > 1
/* The slot of the warp that weighs an eight of queries, from the row of warps' first record, in uint2. */
#define FREE_SLOT(eight) ((eight) * RECORD + (eight) / OWNED * SLOT)

/* The weights of two eights and a factor of one, from there, in uint4 and uint2. */
#define WEIGHTS_OF(pair, part) (FREE_SLOT(2 * (pair) + (PARTS == 1 ? 0 : (part))) / 2)
#define FACTOR_OF(eight) \
    (PARTS == 1 ? FREE_SLOT((eight) / 2 * 2 + 1) + (eight) % 2 * 32 : (eight) * RECORD + SLICES * SLOT)

/* The record of the first eight queries that this warp weighs. */
#define OWN(place) ((place)->record + (place)->slice * OWNED * RECORD)

/* Leaves a factor of an eight of queries for its row of warps. */
INLINE void give_factor(Warp *const warp, const Place *const place, const int owned, const float factor)
{
    write_shared(warp, place->record + FACTOR_OF(place->slice * OWNED + owned), 0, factor);
}

/* The factors of this work-item's queries. */
INLINE void take_factors(Warp *const warp, const Place *const place, float factors[EIGHTS])
{
    EACH(h, EIGHTS) factors[h] = read_shared(warp, place->record, FACTOR_OF(h));
}
#endif

/* Hands each part of the scores to the warp that weighs it. */
INLINE void hand_on(Warp *const warp, const Place *const place, State *const state)
{
#if SLICES > 1
    EACH(h, EIGHTS) EACH(n, KEY_TILES * 2) {
        const float2 part = EIGHT_OF(state->s[h / 2][n], h);
        if (h / OWNED == place->slice)
            state->mine[h % OWNED][n] = part;
        else
            write_shared2(warp, place->record + place->slice * SLOT, h * RECORD + n * 32, as_uint2(part));
    }
#endif
}

/* Turns the scores of eight queries into weights, of which `keys` keys count, and takes them into m and l. */
INLINE void weigh_eight(
    Warp *const warp, const Place *const place, float2 s[KEY_TILES * 2], float *const m, float *const l, float *const rescale,
    const float factor, const int keys)
{
    const int key = place->lane % 4 * 2;
    if (keys < KEYS)
        EACH(n, KEY_TILES * 2) {
            if (n * 8 + key >= keys) s[n].x = -INFINITY;
            if (n * 8 + key + 1 >= keys) s[n].y = -INFINITY;
        }
    float greatest = *m;
    EACH(n, KEY_TILES * 2) greatest = fmax(greatest, fmax(s[n].x, s[n].y));
    greatest = fmax(greatest, across(warp, greatest, 1));
    greatest = fmax(greatest, across(warp, greatest, 2));
    *rescale = power_of_two((*m - greatest) * factor);
    *m = greatest;
    float sum = 0.0f;
    EACH(n, KEY_TILES * 2) {
        s[n].x = power_of_two(fma(s[n].x - greatest, factor, 14.0f));
        s[n].y = power_of_two(fma(s[n].y - greatest, factor, 14.0f));
        /* A factor of 0 makes NaNs of what does not count. */
        if (keys < KEYS) {
            if (n * 8 + key >= keys) s[n].x = 0.0f;
            if (n * 8 + key + 1 >= keys) s[n].y = 0.0f;
        }
        sum += s[n].x + s[n].y;
    }
    *l = fma(*l, *rescale, sum);
}

/* Weighs the scores of a block of keys. */
INLINE void weigh(
    Warp *const warp, const Place *const place, State *const state, const float factor, const int keys)
{
#if SLICES == 1
    EACH(m, ROW_TILES) {
        float2 s[2][KEY_TILES * 2];
        EACH(h, 2) {
            EACH(n, KEY_TILES * 2) s[h][n] = EIGHT_OF(state->s[m][n], h);
            weigh_eight(
                warp, place, s[h], &state->m[2 * m + h], &state->l[2 * m + h], &state->rescale[2 * m + h], factor, keys);
        }
        EACH(j, KEY_TILES) to_fragment(state->p[m][j], s[0][2 * j], s[1][2 * j], s[0][2 * j + 1], s[1][2 * j + 1]);
    }
#else
    EACH(o, OWNED) {
        const int eight = place->slice * OWNED + o;
        float2 s[KEY_TILES * 2];
        EACH(n, KEY_TILES * 2) {
            s[n] = state->mine[o][n];
            EACH(from, SLICES)
                if (from != place->slice)
                    s[n] += as_float2(read_shared2(warp, OWN(place), o * RECORD + from * SLOT + n * 32));
        }
        float rescale;
        weigh_eight(warp, place, s, &state->m[o], &state->l[o], &rescale, factor, keys);
        EACH(j, KEY_TILES) {
            uint4 words[PARTS];
            to_fragment(words, s[2 * j], (float2)(0.0f), s[2 * j + 1], (float2)(0.0f));
            EACH(part, PARTS) {
                const int to = (place->weights + WEIGHTS_OF(eight / 2, part)) * 4 + eight % 2;
                write_shared_word(warp, to, j * 128, words[part].x);
                write_shared_word(warp, to, j * 128 + 2, words[part].z);
            }
        }
        give_factor(warp, place, o, rescale);
    }
#endif
}

/* Adds a block of keys to a stage of y's channels. */
INLINE void aggregate(
    Warp *const warp, const Place *const place, State *const state, const int stage, const int at)
{
#if SLICES > 1
    if (stage == 0) take_factors(warp, place, state->rescale);
    EACH(m, ROW_TILES) EACH(j, KEY_TILES) EACH(part, PARTS)
        state->p[m][j][part] = read_shared4(warp, place->weights, WEIGHTS_OF(m, part) + j * 32);
#endif
#define VALUE(v, j) \
    EACH(part, PARTS) b[part] = read_shared4( \
        warp, place->slice * VALUE_TILES * KEY_TILES * FRAGMENT + place->lane, \
        at + ((v) * KEY_TILES + (j)) * FRAGMENT + part * 32)
#define RESCALED(y, m) ((y) * (float4)(state->rescale[2 * (m)], state->rescale[2 * (m)], state->rescale[2 * (m) + 1], state->rescale[2 * (m) + 1]))
#if PARTS == 1
    EACH(m, ROW_TILES) if (state->rescale[2 * m] != 1.0f || state->rescale[2 * m + 1] != 1.0f)
        EACH(n, VALUE_TILES * 2) {
            float4 *const y = &state->y[m][stage * VALUE_TILES * 2 + n];
            *y = RESCALED(*y, m);
        }
    EACH(j, KEY_TILES) EACH(v, VALUE_TILES) {
        uint4 b[PARTS];
        VALUE(v, j);
        EACH(m, ROW_TILES) EACH(upper, 2) {
            float4 *const y = &state->y[m][(stage * VALUE_TILES + v) * 2 + upper];
            *y = multiply(warp, *y, state->p[m][j], b, upper);
        }
    }
#else
    EACH(v, VALUE_TILES) {
        float4 chain[ROW_TILES][2];
        EACH(m, ROW_TILES) EACH(upper, 2) chain[m][upper] = (float4)(0.0f);
        EACH(j, KEY_TILES) {
            uint4 b[PARTS];
            VALUE(v, j);
            EACH(m, ROW_TILES) EACH(upper, 2)
                chain[m][upper] = multiply(warp, chain[m][upper], state->p[m][j], b, upper);
        }
        EACH(m, ROW_TILES) EACH(upper, 2) {
            float4 *const y = &state->y[m][(stage * VALUE_TILES + v) * 2 + upper];
            *y = RESCALED(*y, m) + chain[m][upper];
        }
    }
#endif
}

