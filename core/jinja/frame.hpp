#pragma once
/// @file The variables of a running template: slots that the parser numbered.

#include "core/base/value.hpp"
#include "core/jinja/names.hpp"

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <utility>
#include <vector>

namespace gpustack::jinja {

/// A variable, or room for one that is not bound yet.
struct Slot {
  static constexpr NameId kUnbound = std::numeric_limits<NameId>::max();

  NameId name = kUnbound;
  const Value* lent = nullptr;  ///< the value where it lies, in a list that a loop holds
  Value own;

  [[nodiscard]] const Value& value() const { return lent != nullptr ? *lent : own; }
  void bind(NameId the_name, Value the_value) {
    name = the_name;
    lent = nullptr;
    own = std::move(the_value);
  }
  /// Binds without a copy. Outlived by: `the_value`, or keep() was called before it ends.
  void lend(NameId the_name, const Value& the_value) {
    name = the_name;
    lent = &the_value;
  }
  /// Takes a copy of what was lent.
  void keep() {
    if (lent != nullptr) bind(name, *lent);
  }
  void clear() {
    name = kUnbound;
    lent = nullptr;
    if (!own.is_null()) own = Value();
  }
};

/// The slots of a frame; a few lie in the frame itself. Those behind the last one are clear.
class SlotList {
 public:
  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] Slot* begin() { return begin_; }
  [[nodiscard]] Slot* end() { return begin_ + size_; }
  [[nodiscard]] Slot& operator[](std::size_t place) { return begin_[place]; }
  [[nodiscard]] Slot& front() { return *begin_; }
  /// Adds what is missing, unbound. @pre `size` is not less than size()
  void resize(std::size_t size) {
    if (size > capacity_) [[unlikely]]
      grow(size);
    size_ = size;
  }
  Slot& emplace_back() {
    if (size_ == capacity_) grow(2 * size_);
    return begin_[size_++];
  }
  void clear() {
    for (Slot& slot : *this) slot.clear();
    size_ = 0;
  }

 private:
  static constexpr std::size_t kOwn = 4;

  void grow(std::size_t capacity);

  std::array<Slot, kOwn> own_;
  std::vector<Slot> more_;  ///< all of them, once they were more than the frame holds
  Slot* begin_ = own_.data();
  std::size_t size_ = 0;
  std::size_t capacity_ = kOwn;
};

struct Frame;

/// One of those who refer to a frame; the last one hands it back for the next scope.
class FramePtr {
 public:
  FramePtr() = default;
  // NOLINTNEXTLINE(google-explicit-constructor): as of any pointer
  FramePtr(std::nullptr_t) {}
  /// Takes over a reference.
  explicit FramePtr(Frame* frame) : frame_(frame) {}
  FramePtr(const FramePtr& other);
  FramePtr(FramePtr&& other) noexcept : frame_(std::exchange(other.frame_, nullptr)) {}
  FramePtr& operator=(FramePtr other) noexcept {
    std::swap(frame_, other.frame_);
    return *this;
  }
  ~FramePtr();

  [[nodiscard]] Frame* get() const { return frame_; }
  Frame* operator->() const { return frame_; }
  Frame& operator*() const { return *frame_; }
  bool operator==(std::nullptr_t) const { return frame_ == nullptr; }
  void reset() { *this = FramePtr(); }
  /// Does somebody else refer to the frame as well?
  [[nodiscard]] bool is_shared() const;

 private:
  Frame* frame_ = nullptr;
};

/// The variables of one scope: a template, a loop pass, a macro call, a block. The first slots are
/// those that the parser numbered; names that it did not see here (`self`, what an import or
/// another template binds) come behind them.
struct Frame {
  FramePtr parent;
  bool isolated = false;        ///< an import without context: play variables end here
  bool has_unnumbered = false;  ///< names that the parser did not see here
  std::atomic<std::uint32_t> references{1};
  SlotList slots;
  Frame* next_spare = nullptr;

  Slot* find(NameId name) {
    for (Slot& slot : slots) {
      if (slot.name == name) return &slot;
    }
    return nullptr;
  }
  /// By name, where the slot's number is another template's.
  void set(NameId name, Value value) {
    Slot* slot = find(name);
    if (slot == nullptr) {
      slot = &slots.emplace_back();
      has_unnumbered = true;
    }
    slot->bind(name, std::move(value));
  }
};

/// A frame with `slots` unbound slots inside `outer`: one that nobody refers to any more where
/// there is one.
FramePtr take_frame(FramePtr outer, std::size_t slots);
/// Keeps a frame that nobody refers to for take_frame().
void give_back(Frame* frame);

inline FramePtr::FramePtr(const FramePtr& other) : frame_(other.frame_) {
  if (frame_ != nullptr) frame_->references.fetch_add(1, std::memory_order_relaxed);
}
inline FramePtr::~FramePtr() {
  if (frame_ == nullptr) return;
  // As for Value: the only one to know the frame needs no locked instruction.
  if (!is_shared() || frame_->references.fetch_sub(1, std::memory_order_acq_rel) == 1)
    give_back(frame_);
}
inline bool FramePtr::is_shared() const {
  return frame_->references.load(std::memory_order_acquire) != 1;
}

}  // namespace gpustack::jinja
