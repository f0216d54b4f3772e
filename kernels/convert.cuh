// Vectors of elements to floats and back. e4m3 in software where the hardware has no conversion (before sm_89).
#pragma once
#include "types.cuh"

#if !HAS_FP8_CONVERSIONS
// Round to nearest even, saturate to 448: what cvt.rn.satfinite.e4m3x2.f32 does.
DEVICE u32 to_e4m3(float value) {
  const u32 bits = as_bits(value), sign = (bits >> 24) & 0x80u, size = bits & 0x7fffffffu;
  if (size > 0x7f800000u) return 0x7fu;         // NaN
  if (size >= 0x43e80000u) return sign | 0x7eu;  // 464 and more
  if (size < 0x3c800000u) {                      // below 2^-6: steps of 2^-9
    const float steps = multiply(as_float(size), 512.0f);
    u32 whole = (u32)steps;
    const float rest = steps - (float)whole;
    if (rest > 0.5f || (rest == 0.5f && (whole & 1u))) whole++;
    return sign | whole;
  }
  const u32 rounded = size + 0x7ffffu + ((size >> 20) & 1u);
  return sign | (((rounded >> 23) - 120u) << 3) | ((rounded >> 20) & 7u);
}
DEVICE float from_e4m3(u32 byte) {
  const u32 sign = (byte & 0x80u) << 24, exponent = (byte >> 3) & 15u, mantissa = byte & 7u;
  if ((byte & 0x7fu) == 0x7fu) return as_float(0x7fffffffu);
  if (exponent == 0) return as_float(as_bits(multiply((float)mantissa, 0.001953125f)) | sign);  // 2^-9
  return as_float(sign | ((exponent + 120u) << 23) | (mantissa << 20));
}
DEVICE u32 to_e4m3x2(float low, float high) { return to_e4m3(low) | (to_e4m3(high) << 8); }
DEVICE void from_e4m3x2(u32 two, float& low, float& high) {
  low = from_e4m3(two & 0xffu);
  high = from_e4m3((two >> 8) & 0xffu);
}
#endif

// E elements of type T in registers; E is 4 or more.
template <int T, int E> using Vector = Raw<E * Bytes<T>::value>;
template <int T> using Element = Raw<Bytes<T>::value>;

template <int T, int E> DEVICE void decode(const Vector<T, E>& raw, float* f) {
  if constexpr (T == F32) {
    UNROLL for (int i = 0; i < E; i++) f[i] = as_float(raw.w[i]);
  } else if constexpr (T == E4M3) {
    UNROLL for (int i = 0; i < E; i += 2) from_e4m3x2(raw.w[i / 4] >> (8 * (i % 4)), f[i], f[i + 1]);
  } else {
    UNROLL for (int i = 0; i < E; i += 2) {
      const u32 two = raw.w[i / 2];
      f[i] = T == BF16 ? as_float(two << 16) : from_f16(two & 0xffffu);
      f[i + 1] = T == BF16 ? as_float(two & 0xffff0000u) : from_f16(two >> 16);
    }
  }
}

template <int T, int E> DEVICE Vector<T, E> encode(const float* f) {
  Vector<T, E> raw;
  if constexpr (T == F32) {
    UNROLL for (int i = 0; i < E; i++) raw.w[i] = as_bits(f[i]);
  } else if constexpr (T == E4M3) {
    UNROLL for (int i = 0; i < E; i += 4) {
      raw.w[i / 4] = (to_e4m3x2(f[i], f[i + 1]) & 0xffffu) | (to_e4m3x2(f[i + 2], f[i + 3]) << 16);
    }
  } else {
    UNROLL for (int i = 0; i < E; i += 2) {
      raw.w[i / 2] = T == BF16 ? to_bf16x2(f[i], f[i + 1]) : to_f16x2(f[i], f[i + 1]);
    }
  }
  return raw;
}

template <int T> DEVICE float decode_one(const Element<T>& raw) {
  if constexpr (T == F32) return as_float(raw.w[0]);
  else if constexpr (T == BF16) return as_float((u32)raw.w[0] << 16);
  else if constexpr (T == F16) return from_f16(raw.w[0]);
  else {
    float low, high;
    from_e4m3x2(raw.w[0], low, high);
    return low;
  }
}

template <int T> DEVICE Element<T> encode_one(float f) {
  Element<T> raw;
  if constexpr (T == F32) raw.w[0] = as_bits(f);
  else if constexpr (T == BF16) raw.w[0] = (u16)to_bf16x2(f, 0.0f);
  else if constexpr (T == F16) raw.w[0] = (u16)to_f16x2(f, 0.0f);
  else raw.w[0] = (u8)to_e4m3x2(f, 0.0f);
  return raw;
}

// Elements of a vector: at most 16 bytes, the widest access, on the wider of both sides.
template <int A, int B> struct VectorOf {
  static const int wider = Bytes<A>::value > Bytes<B>::value ? Bytes<A>::value : Bytes<B>::value;
  static const int count = 16 / wider;
};
