// One tile of the bucket back into its tensor: load, scale, add to what is there if asked to, round, store.
#pragma once
#include "convert.cuh"

// A vector's scale: the caller's, times that of its block where there are any.
template <int SRC, int E> DEVICE float scale_of(const float* RESTRICT scales, u32 v, float scale) {
  if constexpr (SRC == E4M3) return multiply(scale, scales[v * E / UNIT]);
  else return scale;
}

template <int SRC, int DST, bool ADD, int E>
DEVICE void scale_into(const Vector<SRC, E>& raw, const Vector<DST, E>& old, char* dst, u32 v, float scale) {
  float f[E];
  decode<SRC, E>(raw, f);
  UNROLL for (int i = 0; i < E; i++) f[i] = multiply(f[i], scale);
  if constexpr (ADD) {
    float g[E];
    decode<DST, E>(old, g);
    UNROLL for (int i = 0; i < E; i++) f[i] = add(f[i], g[i]);
  }
  store(reinterpret_cast<Vector<DST, E>*>(dst) + v, encode<DST, E>(f));
}

template <int SRC, int DST, bool ADD>
DEVICE void unpack_tile(const char* RESTRICT src, const float* RESTRICT scales, char* dst, u32 count, float scale,
                        u64 policy) {
  constexpr int E = VectorOf<SRC, DST>::count;
  constexpr int U = ADD ? 2 : 4;  // adding holds twice as much
  typedef Vector<SRC, E> In;
  typedef Vector<DST, E> Out;
  const In* from = reinterpret_cast<const In*>(src);
  const Out* old = reinterpret_cast<const Out*>(dst);
  const u32 vectors = (u64)dst % sizeof(Out) == 0 ? count / E : 0;
  u32 v = THREAD % BUCKET_WORKER;
  NO_UNROLL for (; v + (U - 1) * BUCKET_WORKER < vectors; v += U * BUCKET_WORKER) {
    In raw[U];
    Out there[U];
    UNROLL for (int u = 0; u < U; u++) {
      raw[u] = load_once(from + v + u * BUCKET_WORKER, policy);
      if constexpr (ADD) there[u] = load(old + v + u * BUCKET_WORKER);
    }
    UNROLL for (int u = 0; u < U; u++) {
      const u32 at = v + u * BUCKET_WORKER;
      scale_into<SRC, DST, ADD, E>(raw[u], there[u], dst, at, scale_of<SRC, E>(scales, at, scale));
    }
  }
  NO_UNROLL for (; v < vectors; v += BUCKET_WORKER) {
    Out there;
    if constexpr (ADD) there = load(old + v);
    scale_into<SRC, DST, ADD, E>(load_once(from + v, policy), there, dst, v, scale_of<SRC, E>(scales, v, scale));
  }
  Element<DST>* to = reinterpret_cast<Element<DST>*>(dst);
  NO_UNROLL for (u32 e = vectors * E + THREAD % BUCKET_WORKER; e < count; e += BUCKET_WORKER) {
    const Element<SRC> raw = load_once(reinterpret_cast<const Element<SRC>*>(src) + e, policy);
    float value = multiply(decode_one<SRC>(raw), scale_of<SRC, 1>(scales, e, scale));
    if constexpr (ADD) value = add(value, decode_one<DST>(load(to + e)));
    store(to + e, encode_one<DST>(value));
  }
}
