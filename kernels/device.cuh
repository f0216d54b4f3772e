// What only a GPU can do, behind small functions; tests/kernels/cpu_shim.h has the same functions for a CPU.
// No CUDA header is included, so that NVRTC needs none. Conversions and products are PTX without .ftz, so that
// denormals survive whatever options a compiler is given.
#pragma once
#include "types.cuh"

#define DEVICE static __device__ __forceinline__
#define KERNEL extern "C" __global__ void __launch_bounds__(BUCKET_THREADS, BUCKET_BLOCKS)
#define SHARED __shared__
#define RESTRICT __restrict__
#define UNROLL _Pragma("unroll")
#define NO_UNROLL _Pragma("unroll 1")
#define UNROLL_4 _Pragma("unroll 4")
#define THREAD threadIdx.x
#define BLOCK blockIdx.x
#define BLOCKS gridDim.x
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 890
#define HAS_FP8_CONVERSIONS 1
#else
#define HAS_FP8_CONVERSIONS 0
#endif

DEVICE float as_float(u32 bits) { return __uint_as_float(bits); }
DEVICE u32 as_bits(float value) { return __float_as_uint(value); }
DEVICE float multiply(float a, float b) { float d; asm("mul.rn.f32 %0, %1, %2;" : "=f"(d) : "f"(a), "f"(b)); return d; }
DEVICE float add(float a, float b) { float d; asm("add.rn.f32 %0, %1, %2;" : "=f"(d) : "f"(a), "f"(b)); return d; }
DEVICE float divide(float a, float b) { float d; asm("div.rn.f32 %0, %1, %2;" : "=f"(d) : "f"(a), "f"(b)); return d; }
DEVICE float fused_multiply_add(float a, float b, float c) { return __fmaf_rn(a, b, c); }

// Two floats to two narrow ones, low half first.
DEVICE u32 to_bf16x2(float low, float high) {
  u32 d;
  asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(d) : "f"(high), "f"(low));
  return d;
}
DEVICE u32 to_f16x2(float low, float high) {
  u32 d;
  asm("cvt.rn.f16x2.f32 %0, %1, %2;" : "=r"(d) : "f"(high), "f"(low));
  return d;
}
DEVICE float from_f16(u32 half) {
  float f;
  asm("{.reg .b16 t; cvt.u16.u32 t, %1; cvt.f32.f16 %0, t;}" : "=f"(f) : "r"(half));
  return f;
}
#if HAS_FP8_CONVERSIONS
DEVICE u32 to_e4m3x2(float low, float high) {
  u16 d;
  asm("cvt.rn.satfinite.e4m3x2.f32 %0, %1, %2;" : "=h"(d) : "f"(high), "f"(low));
  return d;
}
DEVICE void from_e4m3x2(u32 two, float& low, float& high) {
  u32 halves;
  asm("cvt.rn.f16x2.e4m3x2 %0, %1;" : "=r"(halves) : "h"((u16)two));
  low = from_f16(halves & 0xffffu);
  high = from_f16(halves >> 16);
}
#endif

DEVICE u64 read_once_policy() {
  u64 policy;
#if BUCKET_EVICT_FIRST
  asm("createpolicy.fractional.L2::evict_first.b64 %0, 1.0;" : "=l"(policy));
#else
  asm("createpolicy.fractional.L2::evict_normal.b64 %0, 1.0;" : "=l"(policy));
#endif
  return policy;
}

// Loads of what nobody writes while the kernel runs: past L1, by the policy in L2.
#define READ_ONCE "ld.global.nc.L1::no_allocate.L2::cache_hint"
DEVICE Raw<16> load_once(const Raw<16>* p, u64 policy) {
  Raw<16> r;
  asm(READ_ONCE ".v4.u32 {%0,%1,%2,%3}, [%4], %5;"
      : "=r"(r.w[0]), "=r"(r.w[1]), "=r"(r.w[2]), "=r"(r.w[3]) : "l"(p), "l"(policy));
  return r;
}
DEVICE Raw<8> load_once(const Raw<8>* p, u64 policy) {
  Raw<8> r;
  asm(READ_ONCE ".v2.u32 {%0,%1}, [%2], %3;" : "=r"(r.w[0]), "=r"(r.w[1]) : "l"(p), "l"(policy));
  return r;
}
DEVICE Raw<4> load_once(const Raw<4>* p, u64 policy) {
  Raw<4> r;
  asm(READ_ONCE ".u32 %0, [%1], %2;" : "=r"(r.w[0]) : "l"(p), "l"(policy));
  return r;
}
DEVICE Raw<2> load_once(const Raw<2>* p, u64 policy) {
  Raw<2> r;
  asm(READ_ONCE ".u16 %0, [%1], %2;" : "=h"(r.w[0]) : "l"(p), "l"(policy));
  return r;
}
DEVICE Raw<1> load_once(const Raw<1>* p, u64 policy) {
  u32 byte;
  asm(READ_ONCE ".u8 %0, [%1], %2;" : "=r"(byte) : "l"(p), "l"(policy));
  Raw<1> r;
  r.w[0] = (u8)byte;
  return r;
}

// Loads of what this kernel writes, too.
DEVICE Raw<16> load(const Raw<16>* p) {
  Raw<16> r;
  asm volatile("ld.global.v4.u32 {%0,%1,%2,%3}, [%4];"
               : "=r"(r.w[0]), "=r"(r.w[1]), "=r"(r.w[2]), "=r"(r.w[3]) : "l"(p) : "memory");
  return r;
}
DEVICE Raw<8> load(const Raw<8>* p) {
  Raw<8> r;
  asm volatile("ld.global.v2.u32 {%0,%1}, [%2];" : "=r"(r.w[0]), "=r"(r.w[1]) : "l"(p) : "memory");
  return r;
}
DEVICE Raw<4> load(const Raw<4>* p) {
  Raw<4> r;
  asm volatile("ld.global.u32 %0, [%1];" : "=r"(r.w[0]) : "l"(p) : "memory");
  return r;
}
DEVICE Raw<2> load(const Raw<2>* p) {
  Raw<2> r;
  asm volatile("ld.global.u16 %0, [%1];" : "=h"(r.w[0]) : "l"(p) : "memory");
  return r;
}

DEVICE void store(Raw<16>* p, const Raw<16>& r) {
  asm volatile("st.global.v4.u32 [%0], {%1,%2,%3,%4};"
               :: "l"(p), "r"(r.w[0]), "r"(r.w[1]), "r"(r.w[2]), "r"(r.w[3]) : "memory");
}
DEVICE void store(Raw<8>* p, const Raw<8>& r) {
  asm volatile("st.global.v2.u32 [%0], {%1,%2};" :: "l"(p), "r"(r.w[0]), "r"(r.w[1]) : "memory");
}
DEVICE void store(Raw<4>* p, const Raw<4>& r) {
  asm volatile("st.global.u32 [%0], %1;" :: "l"(p), "r"(r.w[0]) : "memory");
}
DEVICE void store(Raw<2>* p, const Raw<2>& r) {
  asm volatile("st.global.u16 [%0], %1;" :: "l"(p), "h"(r.w[0]) : "memory");
}
DEVICE void store(Raw<1>* p, const Raw<1>& r) {
  asm volatile("st.global.u8 [%0], %1;" :: "l"(p), "r"((u32)r.w[0]) : "memory");
}

DEVICE Tile load_tile(const Tile* p) {  // 16 bytes at once
  const uint4 v = *reinterpret_cast<const uint4*>(p);
  Tile t;
  t.tensor = v.x;
  t.count_and_dtype = v.y;
  t.bucket_unit = v.z;
  t.tensor_unit = v.w;
  return t;
}

// Of a whole warp, all lanes together.
DEVICE u32 warp_max(u32 value) { return __reduce_max_sync(0xffffffffu, value); }
DEVICE u32 warp_sum(u32 value) { return __reduce_add_sync(0xffffffffu, value); }
DEVICE u32 from_lane_xor(u32 value, int mask) { return __shfl_xor_sync(0xffffffffu, value, mask); }
DEVICE double from_lane_xor(double value, int mask) { return __shfl_xor_sync(0xffffffffu, value, mask); }

DEVICE void block_barrier() { __syncthreads(); }
DEVICE void device_fence() { __threadfence(); }
DEVICE u32 take_ticket(u32* counter) { return atomicAdd(counter, 1u); }
