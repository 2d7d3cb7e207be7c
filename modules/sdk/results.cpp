#include "modules/sdk/results.hpp"

#include "modules/sdk/text.hpp"

#include <array>
#include <cstdio>
#include <ctime>

namespace gpustack::modules {

namespace {

Value lines_of(std::string_view text) {
  List lines;
  for (std::string& line : split_lines(text)) lines.emplace_back(std::move(line));
  return Value(std::move(lines));
}

}  // namespace

void add_command_result(Value& result, const Command& command, const CommandResult& done) {
  List argv;
  for (const std::string& word : command.argv) argv.emplace_back(word);
  result.set("cmd", Value(std::move(argv)));
  result.set("rc", Value(done.signal != 0 ? -done.signal : done.status));
  result.set("stdout", Value(done.output));
  result.set("stdout_lines", lines_of(done.output));
  result.set("stderr", Value(done.errors));
  result.set("stderr_lines", lines_of(done.errors));
}

std::string local_time_text(std::chrono::system_clock::time_point when) {
  const auto since =
      std::chrono::duration_cast<std::chrono::microseconds>(when.time_since_epoch()).count();
  const auto seconds = static_cast<std::time_t>(since / 1'000'000);
  std::tm parts{};
  localtime_r(&seconds, &parts);
  std::array<char, 40> text{};
  const std::size_t used = std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M:%S", &parts);
  std::array<char, 16> fraction{};
  std::snprintf(fraction.data(), fraction.size(), ".%06d", static_cast<int>(since % 1'000'000));
  return std::string(text.data(), used) + fraction.data();
}

std::string duration_text(std::chrono::microseconds length) {
  const long long all = length.count() < 0 ? 0 : length.count();
  const long long seconds = all / 1'000'000;
  std::array<char, 64> text{};
  std::snprintf(text.data(),
                text.size(),
                "%lld:%02lld:%02lld.%06lld",
                seconds / 3600 % 24,
                seconds / 60 % 60,
                seconds % 60,
                all % 1'000'000);
  const long long days = seconds / 86400;
  if (days == 0) return text.data();
  return std::to_string(days) + (days == 1 ? " day, " : " days, ") + text.data();
}

}  // namespace gpustack::modules
