#pragma once
/// @file A container engine that says what a real one said: tests/tools/record_engine.py made the
/// record.

#include "tests/support/memory_system.hpp"

#include <string>

namespace gpustack::test {

/// Answers HTTP requests in the order of the record; another request than the next one is a fault.
class RecordedEngine : public MemorySystem {
 public:
  /// From here on the engine says this.
  void expect(const Value& exchanges);
  /// How many of them nobody asked for.
  std::size_t left() const { return exchanges_.size() - next_; }

 private:
  Result<modules::HttpResponse> answer(const modules::HttpRequest& request) const override;

  List exchanges_;
  mutable std::size_t next_ = 0;
};

/// Plays a story of tests/fixtures/engines: each step gives what was recorded and asks what was
/// asked. Fails the running test where one of these does not hold.
void play_story(const std::string& name);

}  // namespace gpustack::test
