#include "core/jinja/frame.hpp"

#include <algorithm>

namespace gpustack::jinja {

namespace {

/// Frames of this thread that wait for the next scope.
class Spare {
 public:
  Spare() = default;
  Spare(const Spare&) = delete;
  Spare& operator=(const Spare&) = delete;
  ~Spare() {
    while (Frame* frame = take()) delete frame;
    room_ = 0;  // what is given back from now on is not kept
  }

  Frame* take() {
    Frame* frame = first_;
    if (frame == nullptr) return nullptr;
    first_ = frame->next_spare;
    ++room_;
    return frame;
  }
  /// @return false when there are enough
  bool keep(Frame* frame) {
    if (room_ == 0) return false;
    --room_;
    frame->next_spare = first_;
    first_ = frame;
    return true;
  }

 private:
  /// Enough for the depth that templates have; more would only keep memory.
  static constexpr std::size_t kMost = 16;

  Frame* first_ = nullptr;
  std::size_t room_ = kMost;
};

thread_local Spare spare;

}  // namespace

void SlotList::grow(std::size_t capacity) {
  std::vector<Slot> larger(capacity);
  std::move(begin(), end(), larger.begin());
  for (Slot& slot : *this) slot.clear();
  more_ = std::move(larger);
  begin_ = more_.data();
  capacity_ = capacity;
}

FramePtr take_frame(FramePtr outer, std::size_t slots) {
  Frame* frame = spare.take();
  if (frame == nullptr) frame = new Frame;
  frame->references.store(1, std::memory_order_relaxed);
  frame->parent = std::move(outer);
  frame->slots.resize(slots);
  return FramePtr(frame);
}

void give_back(Frame* frame) {
  frame->slots.clear();
  frame->parent.reset();
  frame->isolated = false;
  frame->has_unnumbered = false;
  if (!spare.keep(frame)) delete frame;
}

}  // namespace gpustack::jinja
