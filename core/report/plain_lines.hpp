#pragma once
/// @file The terse lines that the plain and the pretty renderer share.

#include "core/report/renderer.hpp"

#include <string>

namespace gpustack::report {

/// Events as lines: `web1: changed: Install nginx`. Hosts that are ok or skipped are shown with
/// `-v` only.
class PlainLines {
 public:
  explicit PlainLines(const RendererOptions& options);
  /// For stdout; may be empty.
  [[nodiscard]] std::string lines(const Event& event) const;
  /// For stderr: warnings and errors; may be empty.
  [[nodiscard]] std::string asides(const Event& event) const;

 private:
  [[nodiscard]] std::string result(const Event& event) const;
  [[nodiscard]] std::string summary(const Event& event) const;

  RendererOptions options_;
};

}  // namespace gpustack::report
