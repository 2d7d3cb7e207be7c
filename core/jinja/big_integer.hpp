#pragma once
/// @file Whole numbers beyond 64 bits, as Python's int has them.

#include "core/jinja/ast.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace gpustack::jinja {

/// A number that does not fit into 64 bits; one that does is a plain integer Value.
class BigInteger final : public Object {
 public:
  explicit BigInteger(std::string digits) : digits_(std::move(digits)) {}
  [[nodiscard]] std::string_view type_name() const override { return "int"; }
  /// Decimal, with `-` in front of a negative one.
  [[nodiscard]] std::string to_text() const override { return digits_; }
  [[nodiscard]] const std::string& digits() const { return digits_; }

 private:
  std::string digits_;
};

/// A number of any kind as a double; infinite when it is too large.
double real_of(const Value& value);
const BigInteger* as_big(const Value& value);
/// Reads a number without sign. @param base  2, 8, 10 or 16. @return nothing when it is none
std::optional<Value> read_big_integer(std::string_view digits, int base);

/// `left op right` of whole numbers of any size. @error template_type (division by zero),
/// template_limit (a power of more than 65536 bits)
Result<Value> big_binary(BinaryOp op, const Value& left, const Value& right);
/// -1, 0 or 1. Requires: whole numbers.
int big_order(const Value& left, const Value& right);

}  // namespace gpustack::jinja
