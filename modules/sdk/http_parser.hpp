#pragma once
/// @file HTTP/1.1 answers, byte by byte; no input or output.

#include "modules/sdk/http.hpp"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace gpustack::modules {

/// Reads one answer from bytes that arrive in pieces of any size.
/// Invariant: after an error nothing more is accepted.
class HttpParser {
 public:
  using Body = std::function<Result<void>(std::string_view piece)>;

  /// @param expects_body  false for the answer to HEAD and CONNECT
  HttpParser(bool expects_body, Body body) : expects_body_(expects_body), body_(std::move(body)) {}

  /// Called once, when the header is complete.
  std::function<void(const HttpResponse&)> on_header;

  /// @return how many bytes were taken: fewer than given only when the answer is complete
  /// @error module_failed  not HTTP, or a header section over 256 KiB
  Result<std::size_t> feed(std::string_view bytes);
  /// The connection ended. @error module_failed  the answer is incomplete
  Result<void> end();

  [[nodiscard]] bool has_header() const { return state_ != State::header; }
  [[nodiscard]] bool is_complete() const { return state_ == State::done; }
  HttpResponse& response() { return response_; }

 private:
  enum class State : std::uint8_t {
    header,
    sized_body,
    endless_body,
    chunk_size,
    chunk,
    chunk_end,
    trailer,
    done
  };

  Result<void> take_header(std::string_view section);
  Result<void> take_line(const std::string& line);
  Result<void> begin_body();

  bool expects_body_;
  Body body_;
  State state_ = State::header;
  std::string pending_;     ///< header section or chunk line so far
  std::uint64_t left_ = 0;  ///< bytes left of the body or chunk
  HttpResponse response_;
};

}  // namespace gpustack::modules
