/* Sums over the keys that tile_attention.cl gives out beside y where this file is compiled in front of it; what they have
 * to agree with, and their rows, are those of panel_sums.cl. With shares of the keys each share leaves four of them behind
 * its y, m and l.
 */
#define SUMS
#define SUM_COUNT 4

/* What kernels take besides: values[j] = Σ_c v_c g[c, j], and where the sums go. */
#define SUM_PARAMETERS \
    , __global const float *restrict values, const long8 valuesView, __global float *restrict sums, const long8 sumsView

/* The sum of what the rows of a work-group have for a quad of queries. */
static float4 over_rows(const float4 value, __local float4 *slices)
{
    const int column = get_local_id(0);
    float4 sum = (float4)(0.0f);
    barrier(CLK_LOCAL_MEM_FENCE);
    slices[get_local_id(1) * SIDE + column] = value;
    barrier(CLK_LOCAL_MEM_FENCE);
    for (int row = 0; row < SIDE; row++) sum += slices[row * SIDE + column];
    return sum;
}

/* Gives out a quad's sums, brought to whole scores, and l. */
static void store_sums(
    const float4 part[SUM_COUNT], const float4 l, const float scale, __global float *sums, const long8 view,
    const long query, const int count)
{
    store_quad((scale < 0.0f ? -2.0f : 2.0f) * part[0], sums + AT(view, 0, query), view.s4, count);
    store_quad(4.0f * part[1], sums + AT(view, 1, query), view.s4, count);
    store_quad(part[2], sums + AT(view, 2, query), view.s4, count);
    store_quad(part[3], sums + AT(view, 4, query), view.s4, count);
    store_quad(l, sums + AT(view, 5, query), view.s4, count);
}
