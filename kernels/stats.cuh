// What a pack sees of its scaled values: how many are not finite, the largest, the sum of squares. No float is added
// atomically: for one grid, the same values give the same bits.
#pragma once
#include "types.cuh"

struct Seen { u32 nonfinite, amax_bits; float squares; };

// The largest float32, as bits, that the bucket's type rounds to something finite.
template <int T> DEVICE u32 largest_finite() {
  return T == F16 ? 0x477fefffu : T == BF16 ? 0x7f7f7fffu : 0x7f7fffffu;
}

template <int T, bool STATS> DEVICE void see(Seen& seen, float value) {
  if constexpr (STATS) {
    const u32 size = as_bits(value) & 0x7fffffffu;
    seen.nonfinite += size > largest_finite<T>();
    seen.amax_bits = seen.amax_bits > size ? seen.amax_bits : size;  // as bits, NaN > infinity > finite
    seen.squares = fused_multiply_add(value, value, seen.squares);
  }
}

DEVICE double warp_sum_in_order(double value) {
  UNROLL for (int mask = 16; mask; mask >>= 1) value += from_lane_xor(value, mask);
  return value;
}

// The sum over the threads of this block, valid in thread 0.
DEVICE Partial block_sum(const Seen& seen, double squares) {
  SHARED Partial of_warp[BUCKET_THREADS / 32];
  Partial sum;
  sum.nonfinite = warp_sum(seen.nonfinite);
  sum.amax_bits = warp_max(seen.amax_bits);
  sum.squares = warp_sum_in_order(squares);
  if (THREAD % 32 == 0) of_warp[THREAD / 32] = sum;
  block_barrier();
  if (THREAD == 0) {
    for (u32 i = 1; i < BUCKET_THREADS / 32; i++) {
      sum.nonfinite += of_warp[i].nonfinite;
      sum.amax_bits = sum.amax_bits > of_warp[i].amax_bits ? sum.amax_bits : of_warp[i].amax_bits;
      sum.squares += of_warp[i].squares;
    }
  }
  return sum;
}

// The last block to arrive adds all blocks' sums, always in the same order, and resets the ticket for the next launch.
DEVICE void finish_stats(const Seen& seen, double squares, Stats* stats, Partial* partials) {
  SHARED u32 is_last;
  const Partial mine = block_sum(seen, squares);
  if (THREAD == 0) {
    partials[BLOCK] = mine;
    device_fence();
    is_last = take_ticket(&stats->ticket) == BLOCKS - 1;
  }
  block_barrier();
  if (!is_last || THREAD >= 32) return;
  device_fence();
  double sum = 0.0, nonfinite = 0.0;  // a count below 2^53 is exact
  u32 amax_bits = 0;
  for (u32 i = THREAD; i < BLOCKS; i += 32) {
    const volatile Partial* other = partials + i;
    sum += other->squares;
    nonfinite += (double)other->nonfinite;
    const u32 size = other->amax_bits;
    amax_bits = amax_bits > size ? amax_bits : size;
  }
  sum = warp_sum_in_order(sum);
  nonfinite = warp_sum_in_order(nonfinite);
  amax_bits = warp_max(amax_bits);
  if (THREAD == 0) {
    stats->sum_of_squares = sum;
    stats->nonfinite_count = (u64)nonfinite;
    stats->amax_bits = amax_bits;
    stats->ticket = 0;
  }
}
