#pragma once
/// @file Python's operators on values.

#include "core/jinja/ast.hpp"

namespace gpustack::jinja {

/// `left op right`. The result joins the operands' marks. @error template_type, template_limit
Result<Value> binary(BinaryOp op, const Value& left, const Value& right, std::size_t size_limit);
/// `==`, `<`, `in`, … @error template_type for types Python does not order
Result<bool> compare(CompareOp op, const Value& left, const Value& right);
/// -1, 0 or 1; what sort, min and max use. @error template_type
Result<int> order(const Value& left, const Value& right);
Result<bool> contains(const Value& container, const Value& item);
Result<Value> negate(const Value& value);

/// Python's str(). @error undefined_variable for undefined values, also inside lists and dicts
Result<std::string> text_of(const Value& value);
/// Fails when the value is undefined or holds an undefined one.
Result<void> require_defined(const Value& value);
/// An error of code undefined_variable with the value's own explanation.
Error undefined_value_error(const Value& value);

/// What `'x' if false` gives: an undefined value that prints as nothing and is false, where others
/// are errors.
Value missing_else();
bool is_lenient(const Value& value);

/// Python's slice bounds: start, step and count over `size` elements.
struct SliceBounds {
  std::int64_t start = 0;
  std::int64_t step = 1;
  std::int64_t count = 0;
};
Result<SliceBounds> slice_bounds(std::int64_t size,
                                 const Value& start,
                                 const Value& stop,
                                 const Value& step);

/// A part of a value carries the marks of the whole.
inline Value part_of(const Value& whole, const Value& part) {
  return whole.marks() == Mark::none ? part : part.marked(whole.marks());
}
/// Every string and container in the value gets the marks.
Value mark_deep(Value value, Mark marks);

}  // namespace gpustack::jinja
