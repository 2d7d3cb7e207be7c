#pragma once
/// @file Scopes of a render that end with a block of C++.

#include "core/jinja/render.hpp"

#include <utility>

namespace gpustack::jinja {

/// A scope of elsewhere for the time of a block.
class ScopeGuard {
 public:
  ScopeGuard(FramePtr& current, FramePtr inner)
      : current_(current), outer_(std::exchange(current, std::move(inner))) {}
  ScopeGuard(const ScopeGuard&) = delete;
  ScopeGuard& operator=(const ScopeGuard&) = delete;
  ~ScopeGuard() { current_ = std::move(outer_); }

 private:
  FramePtr& current_;
  FramePtr outer_;
};

/// A scope inside the current one. The frame around it is handed to the inner one and back, which
/// costs less than sharing it.
class Render::InnerScope {
 public:
  InnerScope(Render& render, std::size_t slots) : render_(render) {
    render.frame_ = take_frame(std::move(render.frame_), slots);
  }
  InnerScope(const InnerScope&) = delete;
  InnerScope& operator=(const InnerScope&) = delete;
  ~InnerScope() {
    FramePtr inner = std::move(render_.frame_);
    render_.frame_ = inner.is_shared() ? inner->parent : std::move(inner->parent);
  }

 private:
  Render& render_;
};

}  // namespace gpustack::jinja
