// Element types and the records shared with commbench/bucketing/layout.py.
#pragma once

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;

#ifndef BUCKET_THREADS  // threads of a block
#define BUCKET_THREADS 256
#endif
#ifndef BUCKET_WORKER  // threads that share one tile: a warp, or BUCKET_THREADS for a whole block
#define BUCKET_WORKER 32
#endif
#ifndef BUCKET_BLOCKS  // blocks that a multiprocessor must be able to hold: with 256 threads, at most 64 registers each
#define BUCKET_BLOCKS 4
#endif
#ifndef BUCKET_INFLIGHT  // bytes that each thread asks for before it uses the first
#define BUCKET_INFLIGHT 64
#endif
#ifndef BUCKET_EVICT_FIRST  // what is read once leaves the L2 cache first, so that the bucket stays in it
#define BUCKET_EVICT_FIRST 1
#endif

enum Dtype { F32 = 0, BF16 = 1, F16 = 2, E4M3 = 3 };

const u32 UNIT = 128;             // elements of one e4m3 scale; every tensor starts on a fresh unit
const u32 COUNT_MASK = 0x0fffffffu;  // of Tile::count_and_dtype
const u32 DTYPE_SHIFT = 28;

struct Tile { u32 tensor, count_and_dtype, bucket_unit, tensor_unit; };
struct Stats { u64 nonfinite_count; double sum_of_squares; u32 amax_bits, ticket; };
struct Partial { double squares; u32 amax_bits, nonfinite; };  // of one block

template <int T> struct Bytes;
template <> struct Bytes<F32> { static constexpr int value = 4; };
template <> struct Bytes<BF16> { static constexpr int value = 2; };
template <> struct Bytes<F16> { static constexpr int value = 2; };
template <> struct Bytes<E4M3> { static constexpr int value = 1; };

// So many bytes in registers.
template <int N> struct Raw { u32 w[N / 4]; };
template <> struct Raw<2> { u16 w[1]; };
template <> struct Raw<1> { u8 w[1]; };
