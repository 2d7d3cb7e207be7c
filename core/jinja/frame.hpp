#pragma once
/// @file The variables of a running template: slots that the parser numbered.

#include "core/base/value.hpp"
#include "core/jinja/names.hpp"

#include <boost/container/small_vector.hpp>

#include <cstdint>
#include <limits>
#include <memory>
#include <utility>

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

struct Frame;
using FramePtr = std::shared_ptr<Frame>;

/// The variables of one scope: a template, a loop pass, a macro call, a block. The first slots are
/// those that the parser numbered; names that it did not see here (`self`, what an import or
/// another template binds) come behind them.
struct Frame {
  explicit Frame(FramePtr outer = nullptr, bool is_isolated = false)
      : parent(std::move(outer)), isolated(is_isolated) {}

  FramePtr parent;
  bool isolated;                ///< an import without context: play variables end here
  bool has_unnumbered = false;  ///< names that the parser did not see here
  boost::container::small_vector<Slot, 4> slots;

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

/// A frame with `slots` unbound slots inside `outer`; one that was given back where there is one.
FramePtr take_frame(FramePtr outer, std::size_t slots);
/// Keeps the frame for the next that is wanted, unless an object still refers to it.
void give_back(FramePtr frame);

}  // namespace gpustack::jinja
