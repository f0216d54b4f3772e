// kernels/device.cuh for a CPU: runs the kernels' arithmetic and indexing, never their speed.
//
// Each CUDA thread of a block is a fiber (ucontext); blocks run one after another. Warp collectives and barriers are real
// rendezvous: one that some thread never reaches is reported, not ignored. Every access is checked for alignment and
// against the registered buffers. A fault ends the launch and is returned as text. What it cannot see: speed, the order
// of memory between blocks, races inside a warp, and the PTX itself, whose conversions have twins here.
#pragma once
#include <ucontext.h>

#include <cstdint>
#include <cstring>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "types.cuh"

#define DEVICE static inline
#define KERNEL extern "C" void
#define SHARED static
#define RESTRICT
#define UNROLL
#define UNROLL_4
#define NO_UNROLL
#define THREAD shim::thread_id()
#define BLOCK shim::block_id()
#define BLOCKS shim::block_count()
#define HAS_FP8_CONVERSIONS 0

namespace shim {
enum State { RUNS, AT_WARP, AT_BARRIER, DONE };
struct Fiber { ucontext_t context; State state; unsigned thread, exchanges; };
struct Range { uintptr_t begin, end; };
struct World {
  ucontext_t scheduler;
  std::vector<Fiber> fibers;
  std::vector<std::unique_ptr<char[]>> stacks;
  std::vector<Range> ranges;
  Fiber* current = nullptr;
  unsigned block = 0, blocks = 1;
  u64 slots[2][BUCKET_THREADS];  // two, as a fast lane may be in the next exchange already
  std::function<void()> kernel;
  std::string fault;
};
inline World& world() { static World only; return only; }
inline unsigned thread_id() { return world().current->thread; }
inline unsigned block_id() { return world().block; }
inline unsigned block_count() { return world().blocks; }

inline void to_scheduler(State state) {
  Fiber* me = world().current;
  me->state = state;
  swapcontext(&me->context, &world().scheduler);
}
inline void fail(const char* what) {  // a fiber never comes back from here
  World& w = world();
  w.fault = std::string(what) + ": block " + std::to_string(w.block);
  if (w.current == nullptr) return;
  w.fault += ", thread " + std::to_string(w.current->thread);
  to_scheduler(DONE);
}
inline void entry() { world().kernel(); to_scheduler(DONE); }

inline void start_fibers() {
  const size_t stack_bytes = 64 << 10;
  World& w = world();
  while (w.stacks.size() < BUCKET_THREADS) w.stacks.emplace_back(new char[stack_bytes]);
  w.fibers.assign(BUCKET_THREADS, Fiber());
  for (unsigned i = 0; i < BUCKET_THREADS; i++) {
    Fiber& fiber = w.fibers[i];
    fiber.thread = i;
    getcontext(&fiber.context);
    fiber.context.uc_stack.ss_sp = w.stacks[i].get();
    fiber.context.uc_stack.ss_size = stack_bytes;
    makecontext(&fiber.context, entry, 0);
  }
}
inline unsigned in_state(unsigned begin, unsigned end, State state) {
  unsigned found = 0;
  for (unsigned i = begin; i < end; i++) found += world().fibers[i].state == state;
  return found;
}
inline void release(unsigned begin, unsigned end) {
  for (unsigned i = begin; i < end; i++) world().fibers[i].state = RUNS;
}
inline void run_block() {
  World& w = world();
  start_fibers();
  for (;;) {
    bool any_ran = false;
    for (Fiber& fiber : w.fibers) {
      if (fiber.state != RUNS) continue;
      any_ran = true;
      w.current = &fiber;
      swapcontext(&w.scheduler, &fiber.context);
      w.current = nullptr;
      if (!w.fault.empty()) return;
    }
    for (unsigned warp = 0; warp < BUCKET_THREADS; warp += 32) {
      if (in_state(warp, warp + 32, AT_WARP) == 32) { release(warp, warp + 32); any_ran = true; }
    }
    if (in_state(0, BUCKET_THREADS, DONE) == BUCKET_THREADS) return;
    if (in_state(0, BUCKET_THREADS, AT_BARRIER) == BUCKET_THREADS) { release(0, BUCKET_THREADS); any_ran = true; }
    if (!any_ran) return fail("a warp collective or barrier that not every thread reaches");
  }
}
inline void launch(unsigned blocks, std::function<void()> kernel) {
  World& w = world();
  w.blocks = blocks;
  w.kernel = std::move(kernel);
  w.fault.clear();
  for (w.block = 0; w.block < blocks && w.fault.empty(); w.block++) run_block();
}
inline const u64* exchange(u64 value) {  // the values of the warp's 32 lanes
  World& w = world();
  const unsigned slot = w.current->exchanges++ & 1u, thread = w.current->thread;
  w.slots[slot][thread] = value;
  to_scheduler(AT_WARP);
  return &w.slots[slot][thread & ~31u];
}
inline void check(const void* p, size_t bytes) {
  const uintptr_t at = (uintptr_t)p;
  if (at % bytes) fail("misaligned access");
  for (const Range& range : world().ranges) {
    if (at >= range.begin && at + bytes <= range.end) return;
  }
  fail("access outside every registered buffer");
}
}  // namespace shim

DEVICE float as_float(u32 bits) { float f; memcpy(&f, &bits, 4); return f; }
DEVICE u32 as_bits(float value) { u32 bits; memcpy(&bits, &value, 4); return bits; }
DEVICE float multiply(float a, float b) { return a * b; }
DEVICE float add(float a, float b) { return a + b; }
DEVICE float divide(float a, float b) { return a / b; }
DEVICE float fused_multiply_add(float a, float b, float c) { return __builtin_fmaf(a, b, c); }

// Twins of the cvt instructions: round to nearest even; NaN becomes 0x7fff.
DEVICE u16 to_bf16(float value) {
  const u32 bits = as_bits(value);
  if ((bits & 0x7fffffffu) > 0x7f800000u) return 0x7fff;
  return (u16)((bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16);
}
DEVICE u16 to_f16(float value) {
  const u32 bits = as_bits(value), sign = (bits >> 16) & 0x8000u, size = bits & 0x7fffffffu;
  if (size > 0x7f800000u) return 0x7fff;
  if (size >= 0x477ff000u) return (u16)(sign | 0x7c00u);  // 65520 and more
  if (size < 0x38800000u) {                               // below 2^-14: steps of 2^-24
    const float steps = as_float(size) * 16777216.0f;
    u32 whole = (u32)steps;
    const float rest = steps - (float)whole;
    if (rest > 0.5f || (rest == 0.5f && (whole & 1u))) whole++;
    return (u16)(sign | whole);
  }
  const u32 rounded = size + 0xfffu + ((size >> 13) & 1u);
  return (u16)(sign | ((rounded - 0x38000000u) >> 13));
}
DEVICE u32 to_bf16x2(float low, float high) { return to_bf16(low) | ((u32)to_bf16(high) << 16); }
DEVICE u32 to_f16x2(float low, float high) { return to_f16(low) | ((u32)to_f16(high) << 16); }
DEVICE float from_f16(u32 half) {
  const u32 sign = (half & 0x8000u) << 16, exponent = (half >> 10) & 31u, mantissa = half & 0x3ffu;
  if (exponent == 31) return as_float(sign | 0x7f800000u | (mantissa << 13));
  if (exponent == 0) return as_float(as_bits((float)mantissa * 5.9604644775390625e-8f) | sign);  // 2^-24
  return as_float(sign | ((exponent + 112u) << 23) | (mantissa << 13));
}

DEVICE u64 read_once_policy() { return 0; }
template <int N> DEVICE Raw<N> load_once(const Raw<N>* p, u64) { shim::check(p, N); return *p; }
template <int N> DEVICE Raw<N> load(const Raw<N>* p) { shim::check(p, N); return *p; }
template <int N> DEVICE void store(Raw<N>* p, const Raw<N>& raw) { shim::check(p, N); *p = raw; }
DEVICE Tile load_tile(const Tile* p) { shim::check(p, sizeof(Tile)); return *p; }

DEVICE u32 warp_max(u32 value) {
  const u64* lanes = shim::exchange(value);
  u32 most = 0;
  for (int i = 0; i < 32; i++) most = most > lanes[i] ? most : (u32)lanes[i];
  return most;
}
DEVICE u32 warp_sum(u32 value) {
  const u64* lanes = shim::exchange(value);
  u32 sum = 0;
  for (int i = 0; i < 32; i++) sum += (u32)lanes[i];
  return sum;
}
DEVICE u32 from_lane_xor(u32 value, int mask) { return (u32)shim::exchange(value)[(THREAD % 32) ^ mask]; }
DEVICE double from_lane_xor(double value, int mask) {
  u64 bits;
  memcpy(&bits, &value, 8);
  bits = shim::exchange(bits)[(THREAD % 32) ^ mask];
  memcpy(&value, &bits, 8);
  return value;
}
DEVICE void block_barrier() { shim::to_scheduler(shim::AT_BARRIER); }
DEVICE void device_fence() {}
DEVICE u32 take_ticket(u32* counter) { return (*counter)++; }
