// The kernels of bucket.cu as a library for ctypes; all arguments are 64-bit words, as in tests/kernels/shim.py.
#include <map>

#include "bucket.cu"

namespace {
typedef std::function<void(const u64*)> Kernel;
template <typename T> T* at(u64 address) { return reinterpret_cast<T*>(address); }

template <typename F> Kernel packing(F kernel) {
  return [kernel](const u64* a) {
    kernel(at<const Tile>(a[0]), (u32)a[1], at<const u64>(a[2]), at<char>(a[3]), (u32)a[4], at<const float>(a[5]),
           at<Stats>(a[6]), at<Partial>(a[7]));
  };
}
template <typename F> Kernel unpacking(F kernel) {
  return [kernel](const u64* a) {
    kernel(at<const Tile>(a[0]), (u32)a[1], at<const u64>(a[2]), at<const char>(a[3]), (u32)a[4], at<const float>(a[5]));
  };
}
void reducing(const u64* a) {
  reduce_e4m3(at<const char>(a[0]), a[1], (u32)a[2], (u32)a[3], at<const float>(a[4]), at<float>(a[5]));
}
#define PACKING(NAME) {#NAME, packing(NAME)}
#define UNPACKING(NAME) {#NAME, unpacking(NAME)}
const std::map<std::string, Kernel>& kernels() {
  static const std::map<std::string, Kernel> all = {
      PACKING(pack_float32), PACKING(pack_bfloat16), PACKING(pack_float16), PACKING(pack_float8_e4m3fn),
      PACKING(pack_float32_stats), PACKING(pack_bfloat16_stats), PACKING(pack_float16_stats),
      PACKING(pack_float8_e4m3fn_stats),
      UNPACKING(unpack_float32), UNPACKING(unpack_bfloat16), UNPACKING(unpack_float16), UNPACKING(unpack_float8_e4m3fn),
      UNPACKING(unpack_float32_add), UNPACKING(unpack_bfloat16_add), UNPACKING(unpack_float16_add),
      UNPACKING(unpack_float8_e4m3fn_add), {"reduce_e4m3", reducing}};
  return all;
}
}  // namespace

extern "C" {
void shim_forget() { shim::world().ranges.clear(); }
void shim_register(u64 begin, u64 bytes) { shim::world().ranges.push_back({begin, begin + bytes}); }
// What went wrong, or nothing.
const char* shim_run(const char* name, u32 blocks, const u64* arguments) {
  const Kernel& kernel = kernels().at(name);
  shim::launch(blocks, [&] { kernel(arguments); });
  return shim::world().fault.c_str();
}
// The twins of single conversions, for all of an array.
void shim_convert(int dtype, const float* from, u16* to, u64 count) {
  for (u64 i = 0; i < count; i++) {
    to[i] = dtype == BF16 ? to_bf16(from[i]) : dtype == F16 ? to_f16(from[i]) : (u16)to_e4m3(from[i]);
  }
}
}
