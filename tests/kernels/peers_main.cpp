// kernels/peers.cu as a library for ctypes; a table is passed by its address and copied, as a launch would.
#include "peers.cu"

extern "C" {
void peers_register(u64 begin, u64 bytes) { shim::world().ranges.push_back({begin, begin + bytes}); }
void peers_forget() { shim::world().ranges.clear(); }
const char* peers_fault() { return shim::world().fault.c_str(); }
#if BUCKET_THREADS == 512
void peers_apex(int from, int to, u32 blocks, const ApexTable* table, int chunk, float scale, u32* flag) {
  auto kernel = from == BF16 ? (to == BF16 ? apex_bfloat16_bfloat16 : apex_bfloat16_float32)
                : to == F16  ? apex_float32_float16
                             : (to == BF16 ? apex_float32_bfloat16 : apex_float32_float32);
  shim::launch(blocks, [&] { kernel(*table, chunk, scale, flag); });
}
#else
void peers_horovod(int is_scaled, u32 blocks, const HorovodTable* table, float scale) {
  shim::launch(blocks, [&] { is_scaled ? horovod_float32(*table, scale) : horovod_bytes(*table); });
}
#endif
}
