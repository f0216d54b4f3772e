// One tile of one tensor into the bucket: load, scale, look, round, store.
#pragma once
#include "convert.cuh"
#include "stats.cuh"

const float E4M3_MAX = 448.0f;
const float SMALLEST_AMAX = 1e-30f;  // commbench/bucketing/layout.py

// Scale E elements per lane, find the largest of the 128 in the G lanes that hold them, quantize and store.
// The whole warp calls this together; lanes that are not live only take part.
template <int E, int G, bool STATS>
DEVICE void quantize_and_store(float* f, float scale, u32 v, bool is_live, char* payload, float* scales, Seen& seen) {
  u32 size = 0;
  UNROLL for (int i = 0; i < E; i++) {
    f[i] = multiply(f[i], scale);
    see<E4M3, STATS>(seen, f[i]);
    const u32 mine = as_bits(f[i]) & 0x7fffffffu;
    size = size > mine ? size : mine;
  }
  if constexpr (G == 32) {
    size = warp_max(size);
  } else {
    UNROLL for (int mask = G / 2; mask; mask >>= 1) {
      const u32 other = from_lane_xor(size, mask);
      size = size > other ? size : other;
    }
  }
  const float amax = as_float(size) < SMALLEST_AMAX ? SMALLEST_AMAX : as_float(size);  // NaN stays
  const float inverse = divide(E4M3_MAX, amax);
  if (!is_live) return;
  UNROLL for (int i = 0; i < E; i++) f[i] = multiply(f[i], inverse);
  store(reinterpret_cast<Raw<E>*>(payload) + v, encode<E4M3, E>(f));
  if (v % G == 0) {
    const float block_scale = size ? multiply(amax, 1.0f / E4M3_MAX) : 0.0f;
    store(reinterpret_cast<Raw<4>*>(scales) + v / G, encode_one<F32>(block_scale));
  }
}

// A tile of e4m3. Warps stay whole, as they share their largest value: all bounds are those of a whole warp.
template <int SRC, bool STATS>
DEVICE void pack_tile_e4m3(const char* RESTRICT src, char* RESTRICT payload, float* RESTRICT scales, u32 count,
                           float scale, u64 policy, Seen& seen) {
  constexpr int E = VectorOf<SRC, E4M3>::count, G = UNIT / E;
  constexpr int U = BUCKET_INFLIGHT / sizeof(Vector<SRC, E>);
  const u32 live = (count + UNIT - 1) / UNIT * G, whole_warps = (live + 31u) & ~31u;
  const bool is_aligned = (u64)src % sizeof(Vector<SRC, E>) == 0;
  u32 v = THREAD % BUCKET_WORKER;
  if (is_aligned) {
    const u32 full = (count / E) & ~31u;
    NO_UNROLL for (; (v | 31u) + (U - 1) * BUCKET_WORKER < full; v += U * BUCKET_WORKER) {
      Vector<SRC, E> raw[U];
      UNROLL for (int u = 0; u < U; u++) {
        raw[u] = load_once(reinterpret_cast<const Vector<SRC, E>*>(src) + v + u * BUCKET_WORKER, policy);
      }
      UNROLL for (int u = 0; u < U; u++) {
        float f[E];
        decode<SRC, E>(raw[u], f);
        quantize_and_store<E, G, STATS>(f, scale, v + u * BUCKET_WORKER, true, payload, scales, seen);
      }
    }
  }
  NO_UNROLL for (; (v & ~31u) < whole_warps; v += BUCKET_WORKER) {  // the ragged end, or an unaligned source
    float f[E];
    if (is_aligned && (v + 1) * E <= count) {
      decode<SRC, E>(load_once(reinterpret_cast<const Vector<SRC, E>*>(src) + v, policy), f);
    } else {
      UNROLL for (int i = 0; i < E; i++) {
        const u32 e = v * E + i;
        f[i] = e < count ? decode_one<SRC>(load_once(reinterpret_cast<const Element<SRC>*>(src) + e, policy)) : 0.0f;
      }
    }
    quantize_and_store<E, G, STATS>(f, scale, v, v < live, payload, scales, seen);
  }
}

template <int SRC, int DST, bool STATS>
DEVICE void scale_and_store(const Vector<SRC, VectorOf<SRC, DST>::count>& raw, char* dst, u32 v, float scale, Seen& seen) {
  constexpr int E = VectorOf<SRC, DST>::count;
  float f[E];
  decode<SRC, E>(raw, f);
  UNROLL for (int i = 0; i < E; i++) {
    f[i] = multiply(f[i], scale);
    see<DST, STATS>(seen, f[i]);
  }
  store(reinterpret_cast<Vector<DST, E>*>(dst) + v, encode<DST, E>(f));
}

// A tile of any other type: vectors with U in flight, single vectors, then what is left or unaligned by elements.
template <int SRC, int DST, bool STATS>
DEVICE void pack_tile(const char* RESTRICT src, char* RESTRICT dst, u32 count, float scale, u64 policy, Seen& seen) {
  constexpr int E = VectorOf<SRC, DST>::count, LONE = 8;
  typedef Vector<SRC, E> In;
  constexpr int U = BUCKET_INFLIGHT / sizeof(In);
  const u32 vectors = (u64)src % sizeof(In) == 0 ? count / E : 0;
  u32 v = THREAD % BUCKET_WORKER;
  NO_UNROLL for (; v + (U - 1) * BUCKET_WORKER < vectors; v += U * BUCKET_WORKER) {
    In raw[U];
    UNROLL for (int u = 0; u < U; u++) {
      raw[u] = load_once(reinterpret_cast<const In*>(src) + v + u * BUCKET_WORKER, policy);
    }
    UNROLL for (int u = 0; u < U; u++) {
      scale_and_store<SRC, DST, STATS>(raw[u], dst, v + u * BUCKET_WORKER, scale, seen);
    }
  }
  NO_UNROLL for (; v < vectors; v += BUCKET_WORKER) {
    scale_and_store<SRC, DST, STATS>(load_once(reinterpret_cast<const In*>(src) + v, policy), dst, v, scale, seen);
  }
  const Element<SRC>* from = reinterpret_cast<const Element<SRC>*>(src);
  Element<DST>* to = reinterpret_cast<Element<DST>*>(dst);
  u32 e = vectors * E + THREAD % BUCKET_WORKER;
  NO_UNROLL for (; e + (LONE - 1) * BUCKET_WORKER < count; e += LONE * BUCKET_WORKER) {
    Element<SRC> raw[LONE];
    UNROLL for (int i = 0; i < LONE; i++) raw[i] = load_once(from + e + i * BUCKET_WORKER, policy);
    UNROLL for (int i = 0; i < LONE; i++) {
      const float value = multiply(decode_one<SRC>(raw[i]), scale);
      see<DST, STATS>(seen, value);
      store(to + e + i * BUCKET_WORKER, encode_one<DST>(value));
    }
  }
  NO_UNROLL for (; e < count; e += BUCKET_WORKER) {
    const float value = multiply(decode_one<SRC>(load_once(from + e, policy)), scale);
    see<DST, STATS>(seen, value);
    store(to + e, encode_one<DST>(value));
  }
}
