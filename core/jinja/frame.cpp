#include "core/jinja/frame.hpp"

#include <vector>

namespace gpustack::jinja {

namespace {

/// Enough for the depth that templates have; more would only keep memory.
constexpr std::size_t kMostSpare = 16;

std::vector<FramePtr>& spare_frames() {
  thread_local std::vector<FramePtr> spare;
  return spare;
}

}  // namespace

FramePtr take_frame(FramePtr outer, std::size_t slots) {
  std::vector<FramePtr>& spare = spare_frames();
  FramePtr frame;
  if (spare.empty()) {
    frame = std::make_shared<Frame>(std::move(outer));
  } else {
    frame = std::move(spare.back());
    spare.pop_back();
    frame->parent = std::move(outer);
  }
  frame->slots.resize(slots);
  return frame;
}

void give_back(FramePtr frame) {
  std::vector<FramePtr>& spare = spare_frames();
  if (frame.use_count() != 1 || spare.size() == kMostSpare) return;
  frame->slots.clear();
  frame->parent.reset();
  frame->isolated = false;
  frame->has_unnumbered = false;
  spare.push_back(std::move(frame));
}

}  // namespace gpustack::jinja
