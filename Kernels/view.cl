/* What all kernels share.
 *
 * A view says where a tensor [item][group][channel][position] lies in a buffer, in elements:
 *   s0 offset, s1 item stride, s2 group stride, s3 channel stride, s4 position stride, s5 groups an item.
 * So scopes (which positions are compared) and layouts (channels first or last) cost no copy.
 *
 * GROUP(v, k)      offset of group k, counted over all items
 * AT(v, c, n)      offset of channel c, position n within a group
 * GIVEN(v, p)      p, a place in the view's tensor; null where the view has no groups, which says that there is none
 *
 * Long sums are taken in chunks of CHUNK terms: each starts at zero and is then added to the total, which
 * keeps the rounding error near √CHUNK + √(terms / CHUNK) instead of √terms.
 */
#define GROUP(v, k) ((v).s0 + ((k) / (v).s5) * (v).s1 + ((k) % (v).s5) * (v).s2)
#define AT(v, c, n) ((c) * (v).s3 + (n) * (v).s4)
#define GIVEN(v, p) ((v).s5 > 0 ? (p) : 0)

#ifndef CHUNK
#define CHUNK 64
#endif

/* Output rows that one work-item computes for its position. */
#ifndef ROWS
#define ROWS 8
#endif
#define EACH_ROW _Pragma("unroll") for (int r = 0; r < ROWS; r++)
