// Two packers that others ship, written again from what they publish, to be measured beside bucket.cu. Not their code:
// rows of them say so. Tables travel as kernel arguments, as they do there.
#if defined(__CUDACC__) || defined(__CUDACC_RTC__)
#include "device.cuh"
#else
#include "cpu_shim.h"
#endif
#include "convert.cuh"

#if BUCKET_THREADS == 512  // as apex and TransformerEngine have them; 1024 below is Horovod's
// apex and TransformerEngine, multi_tensor_scale: 64 tensors and 320 blocks a launch, 512 threads, chunks of 2048 * 32
// elements, 4 elements of a thread at a time.
constexpr int APEX_TENSORS = 64;
constexpr int APEX_BLOCKS = 320;
constexpr int APEX_ILP = 4;

struct ApexTable {
  const void* in[APEX_TENSORS];
  void* out[APEX_TENSORS];
  int counts[APEX_TENSORS];
  unsigned char tensor_of_block[APEX_BLOCKS];
  int chunk_of_block[APEX_BLOCKS];
};

// One chunk of one tensor for each block; *nonfinite is set when an element is not finite, as apex's noop flag is.
template <int SRC, int DST> DEVICE void apex_scale(const ApexTable& table, int chunk_size, float scale, u32* nonfinite) {
  constexpr int S = Bytes<SRC>::value, D = Bytes<DST>::value;
  const int tensor = table.tensor_of_block[BLOCK], chunk = table.chunk_of_block[BLOCK];
  const u64 start = (u64)chunk * chunk_size;
  const int left = table.counts[tensor] - (int)start, n = left < chunk_size ? left : chunk_size;
  const char* in = reinterpret_cast<const char*>(table.in[tensor]) + start * S;
  char* out = reinterpret_cast<char*>(table.out[tensor]) + start * D;
  bool is_finite = true;
  if (n % APEX_ILP == 0 && (u64)in % (APEX_ILP * S) == 0 && (u64)out % (APEX_ILP * D) == 0) {
    for (int v = THREAD; v * APEX_ILP < n; v += BUCKET_THREADS) {
      float f[APEX_ILP];
      decode<SRC, APEX_ILP>(load(reinterpret_cast<const Vector<SRC, APEX_ILP>*>(in) + v), f);
      UNROLL for (int i = 0; i < APEX_ILP; i++) {
        is_finite = is_finite && (as_bits(f[i]) & 0x7f800000u) != 0x7f800000u;
        f[i] = multiply(f[i], scale);
      }
      store(reinterpret_cast<Vector<DST, APEX_ILP>*>(out) + v, encode<DST, APEX_ILP>(f));
    }
  } else {
    for (int first = 0; first < n; first += BUCKET_THREADS * APEX_ILP) {
      float f[APEX_ILP];
      UNROLL for (int i = 0; i < APEX_ILP; i++) {
        const int at = first + (int)THREAD + i * BUCKET_THREADS;
        f[i] = at < n ? decode_one<SRC>(load(reinterpret_cast<const Element<SRC>*>(in) + at)) : 0.0f;
        is_finite = is_finite && (as_bits(f[i]) & 0x7f800000u) != 0x7f800000u;
      }
      UNROLL for (int i = 0; i < APEX_ILP; i++) {
        const int at = first + (int)THREAD + i * BUCKET_THREADS;
        if (at < n) store(reinterpret_cast<Element<DST>*>(out) + at, encode_one<DST>(multiply(f[i], scale)));
      }
    }
  }
  if (!is_finite) *nonfinite = 1;  // all who write write the same
}

#define APEX(NAME, SRC, DST)                                                                           \
  KERNEL NAME(const ApexTable table, int chunk_size, float scale, u32* nonfinite) {                    \
    apex_scale<SRC, DST>(table, chunk_size, scale, nonfinite);                                         \
  }
APEX(apex_float32_float32, F32, F32)
APEX(apex_float32_bfloat16, F32, BF16)
APEX(apex_float32_float16, F32, F16)
APEX(apex_bfloat16_bfloat16, BF16, BF16)
APEX(apex_bfloat16_float32, BF16, F32)
#endif

#if BUCKET_THREADS == 1024
// Horovod, BatchedScaledD2DMemcpyCudaKernel: 160 tensors a launch, 8 blocks of 1024 threads for each, 16 bytes of a
// thread where they are aligned, the same type on both sides.
constexpr int HOROVOD_TENSORS = 160;
constexpr int HOROVOD_BLOCKS = 8;
constexpr int HOROVOD_THREADS = BUCKET_THREADS;

struct HorovodTable {
  void* out[HOROVOD_TENSORS];
  const void* in[HOROVOD_TENSORS];
  u64 bytes[HOROVOD_TENSORS];
};

// 16 bytes of a thread while both sides are aligned to them, then element by element.
KERNEL horovod_float32(const HorovodTable table, float scale) {
  const u32 tensor = BLOCK / HOROVOD_BLOCKS, step = HOROVOD_BLOCKS * HOROVOD_THREADS;
  const char* in = reinterpret_cast<const char*>(table.in[tensor]);
  char* out = reinterpret_cast<char*>(table.out[tensor]);
  const u64 count = table.bytes[tensor] / 4, first = BLOCK % HOROVOD_BLOCKS * HOROVOD_THREADS + THREAD;
  const u64 vectors = ((u64)in | (u64)out) % 16 == 0 ? count / 4 : 0;
  for (u64 v = first; v < vectors; v += step) {
    float f[4];
    decode<F32, 4>(load(reinterpret_cast<const Raw<16>*>(in) + v), f);
    UNROLL for (int i = 0; i < 4; i++) f[i] = multiply(f[i], scale);
    store(reinterpret_cast<Raw<16>*>(out) + v, encode<F32, 4>(f));
  }
  for (u64 at = vectors * 4 + first; at < count; at += step) {
    const float f = decode_one<F32>(load(reinterpret_cast<const Raw<4>*>(in) + at));
    store(reinterpret_cast<Raw<4>*>(out) + at, encode_one<F32>(multiply(f, scale)));
  }
}

KERNEL horovod_bytes(const HorovodTable table) {
  const u32 tensor = BLOCK / HOROVOD_BLOCKS, step = HOROVOD_BLOCKS * HOROVOD_THREADS;
  const char* in = reinterpret_cast<const char*>(table.in[tensor]);
  char* out = reinterpret_cast<char*>(table.out[tensor]);
  const u64 bytes = table.bytes[tensor], first = BLOCK % HOROVOD_BLOCKS * HOROVOD_THREADS + THREAD;
  const u64 vectors = ((u64)in | (u64)out) % 16 == 0 ? bytes / 16 : 0;
  for (u64 v = first; v < vectors; v += step) {
    store(reinterpret_cast<Raw<16>*>(out) + v, load(reinterpret_cast<const Raw<16>*>(in) + v));
  }
  for (u64 at = vectors * 8 + first; at < bytes / 2; at += step) {  // 16-bit elements are the narrowest here
    store(reinterpret_cast<Raw<2>*>(out) + at, load(reinterpret_cast<const Raw<2>*>(in) + at));
  }
}
#endif
