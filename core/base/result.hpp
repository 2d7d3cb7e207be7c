#pragma once
/// @file Result<T>: a value or an Error, and the macros that pass the Error up.

#include "core/base/error.hpp"

#include <tl/expected.hpp>

#include <utility>

namespace gpustack {

/// A value or the Error that explains why there is none; the interface of std::expected.
template <typename T>
class [[nodiscard]] Result : public tl::expected<T, Error> {
 public:
  using Base = tl::expected<T, Error>;
  using Base::Base;
  // NOLINTNEXTLINE(google-explicit-constructor): `return Error(...)`
  Result(Error error) : Base(tl::unexpect, std::move(error)) {}
};

template <>
class [[nodiscard]] Result<void> : public tl::expected<void, Error> {
 public:
  using Base = tl::expected<void, Error>;
  using Base::Base;
  Result() = default;
  // NOLINTNEXTLINE(google-explicit-constructor): `return Error(...)`
  Result(Error error) : Base(tl::unexpect, std::move(error)) {}
};

[[noreturn]] void assertion_failed(const char* condition,
                                   const char* why,
                                   const char* file,
                                   int line);

}  // namespace gpustack

#define GS_CONCAT_INNER(a, b) a##b
#define GS_CONCAT(a, b) GS_CONCAT_INNER(a, b)

#define GS_TRY_IMPL(temporary, declaration, expression, leave)           \
  auto temporary = (expression);                                         \
  if (!temporary) leave ::gpustack::Error(std::move(temporary).error()); \
  declaration = std::move(*temporary)

/// GS_TRY(auto document, load(path)); declares `document`, or returns the error.
#define GS_TRY(declaration, expression) \
  GS_TRY_IMPL(GS_CONCAT(gs_try_, __LINE__), declaration, (expression), return )
#define GS_CO_TRY(declaration, expression) \
  GS_TRY_IMPL(GS_CONCAT(gs_try_, __LINE__), declaration, (expression), co_return )
#define GS_TRY_VOID(expression)                                             \
  do {                                                                      \
    auto gs_result = (expression);                                          \
    if (!gs_result) return ::gpustack::Error(std::move(gs_result).error()); \
  } while (false)
#define GS_CO_TRY_VOID(expression)                                             \
  do {                                                                         \
    auto gs_result = (expression);                                             \
    if (!gs_result) co_return ::gpustack::Error(std::move(gs_result).error()); \
  } while (false)

/// An invariant; when it does not hold the program stops, since going on could harm a host.
#define GS_ASSERT(condition, why)                                                        \
  do {                                                                                   \
    if (!(condition)) ::gpustack::assertion_failed(#condition, why, __FILE__, __LINE__); \
  } while (false)
