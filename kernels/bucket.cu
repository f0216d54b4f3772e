// The fused gradient bucket: N tensors into one aligned buffer and back, one launch each, at the speed of memory.
//
//   pack_<dtype>[_stats]   tensors of float32, bfloat16 and float16, mixed, times a scale -> bucket
//   unpack_<dtype>[_add]   bucket times a scale -> tensors, or added to them
//   reduce_e4m3            messages of all ranks after an all_to_all -> their float32 sum, in rank order
//
// tiles[] says what there is to do and never changes; pointers[] says where the tensors are and is sent again only when
// one moved. Both are in device memory, so that a CUDA graph stays valid and 10,000 tensors are no matter. A worker (a
// warp by default) takes one tile after another; a tile never spans two tensors or two messages. docs/kernel.md.
#include "types.cuh"
#if defined(__CUDACC__) || defined(__CUDACC_RTC__)
#include "device.cuh"
#else
#include "cpu_shim.h"
#endif
#include "pack.cuh"
#include "unpack.cuh"

const u32 WORKERS = BUCKET_THREADS / BUCKET_WORKER;  // of a block

// Where a unit's elements and scales are: messages of [elements | scales] follow each other if there are scales.
struct Place { u64 elements, scales; };
template <int T> DEVICE Place place_of(u32 unit, u32 shard_units) {
  Place place = {(u64)unit * UNIT * Bytes<T>::value, 0};
  if constexpr (T == E4M3) {
    const u32 shard = unit / shard_units;
    place.elements += (u64)shard * shard_units * sizeof(float);
    place.scales = (u64)unit * sizeof(float) + (u64)(shard + 1) * shard_units * UNIT;
  }
  return place;
}

template <int SRC, int DST, bool STATS>
DEVICE void pack_from(const char* tensor, char* bucket, const Tile& tile, u32 shard_units, float scale, u64 policy,
                      Seen& seen) {
  const char* src = tensor + (u64)tile.tensor_unit * UNIT * Bytes<SRC>::value;
  const u32 count = tile.count_and_dtype & COUNT_MASK;
  const Place place = place_of<DST>(tile.bucket_unit, shard_units);
  if constexpr (DST == E4M3) {
    float* scales = reinterpret_cast<float*>(bucket + place.scales);
    pack_tile_e4m3<SRC, STATS>(src, bucket + place.elements, scales, count, scale, policy, seen);
  } else {
    pack_tile<SRC, DST, STATS>(src, bucket + place.elements, count, scale, policy, seen);
  }
}

template <int DST, bool STATS>
DEVICE void pack(const Tile* RESTRICT tiles, u32 tile_count, const u64* RESTRICT pointers, char* RESTRICT bucket,
                 u32 shard_units, const float* RESTRICT scale_at, Stats* stats, Partial* partials) {
  const float scale = *scale_at;
  const u64 policy = read_once_policy();
  const u32 step = BLOCKS * WORKERS;
  Seen seen = {0, 0, 0.0f};
  double squares = 0.0;
  u32 t = BLOCK * WORKERS + THREAD / BUCKET_WORKER;
  Tile tile = {0, 0, 0, 0};
  if (t < tile_count) tile = load_tile(tiles + t);
  while (t < tile_count) {
    t += step;
    Tile next = tile;
    if (t < tile_count) next = load_tile(tiles + t);  // on its way while this tile is packed
    const char* tensor = reinterpret_cast<const char*>(pointers[tile.tensor]);
    const u32 dtype = tile.count_and_dtype >> DTYPE_SHIFT;
    if (dtype == F32) pack_from<F32, DST, STATS>(tensor, bucket, tile, shard_units, scale, policy, seen);
    else if (dtype == BF16) pack_from<BF16, DST, STATS>(tensor, bucket, tile, shard_units, scale, policy, seen);
    else pack_from<F16, DST, STATS>(tensor, bucket, tile, shard_units, scale, policy, seen);
    if constexpr (STATS) {
      squares += (double)seen.squares;  // floats hold a tile's squares, doubles a bucket's
      seen.squares = 0.0f;
    }
    tile = next;
  }
  if constexpr (STATS) finish_stats(seen, squares, stats, partials);
}

template <int SRC, int DST, bool ADD>
DEVICE void unpack_to(char* tensor, const char* bucket, const Tile& tile, u32 shard_units, float scale, u64 policy) {
  char* dst = tensor + (u64)tile.tensor_unit * UNIT * Bytes<DST>::value;
  const Place place = place_of<SRC>(tile.bucket_unit, shard_units);
  const float* scales = reinterpret_cast<const float*>(bucket + place.scales);
  const u32 count = tile.count_and_dtype & COUNT_MASK;
  unpack_tile<SRC, DST, ADD>(bucket + place.elements, scales, dst, count, scale, policy);
}

template <int SRC, bool ADD>
DEVICE void unpack(const Tile* RESTRICT tiles, u32 tile_count, const u64* RESTRICT pointers,
                   const char* RESTRICT bucket, u32 shard_units, const float* RESTRICT scale_at) {
  const float scale = *scale_at;
  const u64 policy = read_once_policy();
  const u32 step = BLOCKS * WORKERS;
  for (u32 t = BLOCK * WORKERS + THREAD / BUCKET_WORKER; t < tile_count; t += step) {
    const Tile tile = load_tile(tiles + t);
    char* tensor = reinterpret_cast<char*>(pointers[tile.tensor]);
    const u32 dtype = tile.count_and_dtype >> DTYPE_SHIFT;
    if (dtype == F32) unpack_to<SRC, F32, ADD>(tensor, bucket, tile, shard_units, scale, policy);
    else if (dtype == BF16) unpack_to<SRC, BF16, ADD>(tensor, bucket, tile, shard_units, scale, policy);
    else unpack_to<SRC, F16, ADD>(tensor, bucket, tile, shard_units, scale, policy);
  }
}

#define PACK(NAME, DST, STATS)                                                                                       \
  KERNEL NAME(const Tile* RESTRICT tiles, u32 tile_count, const u64* RESTRICT pointers, char* RESTRICT bucket,       \
              u32 shard_units, const float* RESTRICT scale, Stats* stats, Partial* partials) {                       \
    pack<DST, STATS>(tiles, tile_count, pointers, bucket, shard_units, scale, stats, partials);                      \
  }
PACK(pack_float32, F32, false)
PACK(pack_bfloat16, BF16, false)
PACK(pack_float16, F16, false)
PACK(pack_float8_e4m3fn, E4M3, false)
PACK(pack_float32_stats, F32, true)
PACK(pack_bfloat16_stats, BF16, true)
PACK(pack_float16_stats, F16, true)
PACK(pack_float8_e4m3fn_stats, E4M3, true)

#define UNPACK(NAME, SRC, ADD)                                                                                       \
  KERNEL NAME(const Tile* RESTRICT tiles, u32 tile_count, const u64* RESTRICT pointers, const char* RESTRICT bucket, \
              u32 shard_units, const float* RESTRICT scale) {                                                        \
    unpack<SRC, ADD>(tiles, tile_count, pointers, bucket, shard_units, scale);                                       \
  }
UNPACK(unpack_float32, F32, false)
UNPACK(unpack_bfloat16, BF16, false)
UNPACK(unpack_float16, F16, false)
UNPACK(unpack_float8_e4m3fn, E4M3, false)
UNPACK(unpack_float32_add, F32, true)
UNPACK(unpack_bfloat16_add, BF16, true)
UNPACK(unpack_float16_add, F16, true)
UNPACK(unpack_float8_e4m3fn_add, E4M3, true)

// Four elements a lane, one block of 128 a warp. Products are rounded before they are added, as torch does.
KERNEL reduce_e4m3(const char* RESTRICT received, u64 message_bytes, u32 shards, u32 shard_units,
                   const float* RESTRICT scale_at, float* RESTRICT out) {
  const float scale = *scale_at;
  const u64 policy = read_once_policy();
  const u64 vectors = (u64)shard_units * 32, step = (u64)BLOCKS * BUCKET_THREADS;
  for (u64 v = (u64)BLOCK * BUCKET_THREADS + THREAD; v < vectors; v += step) {
    float sum[4] = {0.0f, 0.0f, 0.0f, 0.0f};
    UNROLL_4 for (u32 rank = 0; rank < shards; rank++) {
      const char* message = received + rank * message_bytes;
      const float block_scale = reinterpret_cast<const float*>(message + (u64)shard_units * UNIT)[v / 32];
      float f[4];
      decode<E4M3, 4>(load_once(reinterpret_cast<const Raw<4>*>(message) + v, policy), f);
      UNROLL for (int i = 0; i < 4; i++) sum[i] = add(sum[i], multiply(f[i], block_scale));
    }
    UNROLL for (int i = 0; i < 4; i++) sum[i] = multiply(sum[i], scale);
    store(reinterpret_cast<Raw<16>*>(out) + v, encode<F32, 4>(sum));
  }
}
