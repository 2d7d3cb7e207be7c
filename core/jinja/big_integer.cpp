#include "core/jinja/big_integer.hpp"

#include <openssl/bn.h>
#include <openssl/crypto.h>

#include <charconv>
#include <cmath>
#include <cstdlib>
#include <memory>

namespace gpustack::jinja {

namespace {

constexpr int kMostBits = 65536;

struct Free {
  void operator()(BIGNUM* number) const { BN_free(number); }
  void operator()(BN_CTX* context) const { BN_CTX_free(context); }
};
using Number = std::unique_ptr<BIGNUM, Free>;

Number make_number() { return Number(BN_new()); }

Number number_of(const Value& value) {
  const BigInteger* big = as_big(value);
  const std::string digits = big != nullptr ? big->digits() : std::to_string(value.as_integer());
  BIGNUM* read = nullptr;
  BN_dec2bn(&read, digits.c_str());
  return Number(read);
}

Value value_of(const BIGNUM* number) {
  char* text = BN_bn2dec(number);
  std::string digits(text);
  OPENSSL_free(text);
  std::int64_t small = 0;
  const auto [end, fault] = std::from_chars(digits.data(), digits.data() + digits.size(), small);
  if (fault == std::errc() && end == digits.data() + digits.size()) return Value(small);
  return make_object<BigInteger>(std::move(digits));
}

/// Quotient and remainder as Python has them: rounded towards minus infinity.
Value floor_divided(const BIGNUM* left, const BIGNUM* right, bool wants_remainder) {
  const std::unique_ptr<BN_CTX, Free> context(BN_CTX_new());
  const Number quotient = make_number();
  const Number remainder = make_number();
  BN_div(quotient.get(), remainder.get(), left, right, context.get());
  if (!BN_is_zero(remainder.get()) && BN_is_negative(remainder.get()) != BN_is_negative(right)) {
    BN_sub(quotient.get(), quotient.get(), BN_value_one());
    BN_add(remainder.get(), remainder.get(), right);
  }
  return value_of(wants_remainder ? remainder.get() : quotient.get());
}

Result<Value> power(const Value& left, const Value& right) {
  if (as_big(right) == nullptr && right.as_integer() < 0)
    return Value(std::pow(real_of(left), real_of(right)));
  const Number base = number_of(left);
  const Number exponent = number_of(right);
  const int bits = std::max(BN_num_bits(base.get()) - 1, 1);
  if (as_big(right) != nullptr || right.as_integer() > kMostBits / bits)
    return Error(ErrorCode::template_limit,
                 "the result of '**' has more than " + std::to_string(kMostBits) + " bits");
  const std::unique_ptr<BN_CTX, Free> context(BN_CTX_new());
  const Number result = make_number();
  BN_exp(result.get(), base.get(), exponent.get(), context.get());
  return value_of(result.get());
}

}  // namespace

double real_of(const Value& value) {
  const BigInteger* big = as_big(value);
  return big != nullptr ? std::strtod(big->digits().c_str(), nullptr) : value.as_real();
}

const BigInteger* as_big(const Value& value) {
  return value.is_object() ? dynamic_cast<const BigInteger*>(&value.as_object()) : nullptr;
}

std::optional<Value> read_big_integer(std::string_view digits, int base) {
  const Number number = make_number();
  if (digits.empty() || digits.size() > kMostBits / 4) return std::nullopt;
  for (const char c : digits) {
    int digit = c - '0';
    if (digit > 9 || digit < 0) digit = (c | 0x20) - 'a' + 10;
    if (digit < 0 || digit >= base) return std::nullopt;
    BN_mul_word(number.get(), static_cast<BN_ULONG>(base));
    BN_add_word(number.get(), static_cast<BN_ULONG>(digit));
  }
  return value_of(number.get());
}

Result<Value> big_binary(BinaryOp op, const Value& left, const Value& right) {
  if (op == BinaryOp::pow) return power(left, right);
  const Number a = number_of(left);
  const Number b = number_of(right);
  const Number result = make_number();
  switch (op) {
    case BinaryOp::add:
      BN_add(result.get(), a.get(), b.get());
      return value_of(result.get());
    case BinaryOp::sub:
      BN_sub(result.get(), a.get(), b.get());
      return value_of(result.get());
    case BinaryOp::mul: {
      if (BN_num_bits(a.get()) + BN_num_bits(b.get()) > kMostBits)
        return Error(ErrorCode::template_limit,
                     "the result of '*' has more than " + std::to_string(kMostBits) + " bits");
      const std::unique_ptr<BN_CTX, Free> context(BN_CTX_new());
      BN_mul(result.get(), a.get(), b.get(), context.get());
      return value_of(result.get());
    }
    default:
      break;
  }
  if (BN_is_zero(b.get())) return Error(ErrorCode::template_type, "division by zero");
  if (op == BinaryOp::div) return Value(real_of(left) / real_of(right));
  return floor_divided(a.get(), b.get(), op == BinaryOp::mod);
}

int big_order(const Value& left, const Value& right) {
  return BN_cmp(number_of(left).get(), number_of(right).get());
}

}  // namespace gpustack::jinja
