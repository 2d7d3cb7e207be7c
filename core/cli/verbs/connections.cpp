#include "core/cli/exit_codes.hpp"
#include "core/cli/manner.hpp"
#include "core/cli/verbs.hpp"
#include "core/config/config.hpp"
#include "core/transport/held_connections.hpp"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <ctime>
#include <iostream>

namespace gpustack::cli {

namespace {

using transport::HeldInfo;
using transport::HoldFolder;

std::string padded(std::string text, std::size_t width) {
  text.resize(std::max(text.size() + 1, width), ' ');
  return text;
}

std::string line(const std::vector<std::string>& cells) {
  constexpr std::size_t kWidths[] = {24, 16, 32, 10};
  std::string text;
  for (std::size_t i = 0; i < cells.size(); ++i)
    text += i < std::size(kWidths) ? padded(cells[i], kWidths[i]) : cells[i];
  return text + "\n";
}

std::string seconds(std::int64_t count) {
  return std::to_string(std::max<std::int64_t>(0, count)) + " s";
}

/// The connections that wait for the next run.
class ConnectionsVerb final : public Verb {
 public:
  void describe(CLI::App& program) override {
    command_ = program.add_subcommand(
        "connections", "List the connections that earlier runs have left open, or close them");
    command_->add_flag("--close", closes_, "Close them");
  }
  [[nodiscard]] bool chosen() const override { return command_->parsed(); }

  int run() override {
    const std::string path = HoldFolder::default_path(config::process_sources().home);
    const auto folder = HoldFolder::open(path, HoldFolder::Missing::refuse);
    if (!folder && folder.error().code() != ErrorCode::file_not_found) {
      print_error(folder.error());
      return kOtherError;
    }
    if (closes_) {
      const std::size_t count = folder ? transport::end_held(*folder) : 0;
      std::cout << "closed " << count << (count == 1 ? " connection\n" : " connections\n");
      return kOk;
    }
    std::vector<HeldInfo> all;
    if (folder) all = transport::list_held(*folder);
    std::ranges::sort(all, {}, &HeldInfo::host);
    if (all.empty()) {
      std::cout << "no connection is held\n";
      return kOk;
    }
    std::cout << line({"HOST", "USER", "ADDRESS", "AGE", "IDLE"});
    const std::int64_t now = std::time(nullptr);
    for (const HeldInfo& info : all) {
      std::cout << line({info.host,
                         info.user,
                         info.address + " port " + std::to_string(info.port),
                         seconds(now - info.since),
                         info.idle < 0 ? "in use" : seconds(info.idle)});
    }
    return kOk;
  }

 private:
  CLI::App* command_ = nullptr;
  bool closes_ = false;
};

}  // namespace

std::unique_ptr<Verb> make_connections() { return std::make_unique<ConnectionsVerb>(); }

}  // namespace gpustack::cli
