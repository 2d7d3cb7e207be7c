#pragma once
/// @file The host itself: System on POSIX calls.

#include "modules/sdk/process.hpp"
#include "modules/sdk/system.hpp"
#include "modules/sdk/terminal.hpp"

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace gpustack::modules {

/// How a task reaches beyond the host: the runner fills these in.
struct SystemHooks {
  using Sink = std::function<Result<void>(std::string_view piece)>;

  /// Delivers a content's bytes piece by piece. @error content_missing
  std::function<Result<void>(const Content& content, const Sink& sink)> fetch_content;
  /// Tells which contents fetch_content will be asked for next, in this order; they then come as
  /// one stream. Absent: each is asked for by itself.
  std::function<void(const std::vector<Content>& contents)> expect_contents;
  /// Takes a file's bytes for the controller; called until it returns an error or the file ends
  /// (empty piece).
  std::function<Result<void>(std::string_view piece)> send_piece;
  std::function<void(std::string_view stream, std::string_view text)> output;
  /// Where temporary files without a folder of their own go; absent: $TMPDIR or /tmp.
  std::function<Result<std::string>()> temporary_folder;
  int cancel_descriptor = -1;  ///< readable once the task is cancelled
};

struct RealSystemOptions {
  std::string root;  ///< put in front of every path; commands run in it by chroot
  std::map<std::string, std::string>
      environment;  ///< the whole environment of commands, PATH included
  bool check_mode = false;
  bool diff_mode = false;
  std::string queries;  ///< ModuleSpec::queries of the module that runs
  std::uint32_t umask = 022;
  Value facts;
  SystemHooks hooks;
};

/// The environment of this process, with PATH filled in when absent.
std::map<std::string, std::string> process_environment();

/// Thread: one task at a time; content(), write() and run() may block.
class RealSystem : public System {
 public:
  explicit RealSystem(RealSystemOptions options);

  // SystemView
  [[nodiscard]] Result<std::optional<FileInfo>> stat(const std::string& path) const override;
  [[nodiscard]] Result<std::optional<FileInfo>> lstat(const std::string& path) const override;
  [[nodiscard]] Result<std::string> read(const std::string& path,
                                         std::uint64_t limit = 64U << 20U) const override;
  [[nodiscard]] Result<std::vector<std::string>> list(const std::string& path) const override;
  [[nodiscard]] Result<std::string> read_link(const std::string& path) const override;
  [[nodiscard]] Result<std::string> hash(const std::string& path,
                                         Algorithm algorithm) const override;
  [[nodiscard]] Result<std::string> real_path(const std::string& path) const override;
  [[nodiscard]] bool access(const std::string& path, std::string_view mode) const override;
  [[nodiscard]] Result<std::string> attribute_flags(const std::string& path) const override;
  [[nodiscard]] Result<CommandResult> query(const Command& command) const override;
  [[nodiscard]] std::string find_program(std::string_view name) const override;
  [[nodiscard]] Result<std::string> content(const Content& content) const override;
  [[nodiscard]] std::string environment(std::string_view name) const override;
  [[nodiscard]] std::map<std::string, std::string> environment() const override {
    return options_.environment;
  }
  [[nodiscard]] std::uint32_t effective_uid() const override;
  [[nodiscard]] std::uint32_t effective_gid() const override;
  [[nodiscard]] std::uint32_t umask() const override { return options_.umask; }
  [[nodiscard]] std::chrono::system_clock::time_point now() const override {
    return std::chrono::system_clock::now();
  }
  [[nodiscard]] std::chrono::steady_clock::time_point steady_now() const override {
    return std::chrono::steady_clock::now();
  }
  Result<void> sleep(std::chrono::milliseconds time) const override;
  [[nodiscard]] bool can_connect(const std::string& host,
                                 std::uint16_t port,
                                 std::chrono::milliseconds timeout) const override;
  std::optional<std::string> receive(
      const std::string& host,
      std::uint16_t port,
      std::chrono::milliseconds timeout,
      const std::function<bool(std::string_view)>& enough) const override;
  [[nodiscard]] Result<HttpResponse> http(const HttpQuery& query) const override;
  [[nodiscard]] bool check_mode() const override { return options_.check_mode; }
  [[nodiscard]] bool diff_mode() const override { return options_.diff_mode; }
  [[nodiscard]] Result<Digests> send_file(const std::string& path) const override;
  [[nodiscard]] Result<Digests> digests(const std::string& path) const override;
  void expect_contents(const std::vector<Content>& contents) const override;
  [[nodiscard]] const Value& facts() const override { return options_.facts; }

  // System
  Result<WriteReport> write(const std::string& path,
                            const Content& content,
                            const WriteOptions& options) override;
  Result<WriteReport> copy_file(const std::string& from,
                                const std::string& to,
                                const WriteOptions& options) override;
  Result<void> make_directory(const std::string& path, std::uint32_t mode) override;
  Result<void> remove_file(const std::string& path) override;
  Result<void> remove_tree(const std::string& path) override;
  Result<void> rename(const std::string& from, const std::string& to) override;
  Result<void> make_symlink(const std::string& target, const std::string& path) override;
  Result<void> make_hardlink(const std::string& target, const std::string& path) override;
  Result<void> set_mode(const std::string& path, std::uint32_t mode) override;
  Result<void> set_owner(const std::string& path, Ownership owner, bool follow) override;
  Result<void> set_times(const std::string& path,
                         std::optional<std::chrono::nanoseconds> accessed,
                         std::optional<std::chrono::nanoseconds> modified) override;
  Result<void> set_attribute_flags(const std::string& path, std::string_view flags) override;
  Result<void> write_kernel_file(const std::string& path, std::string_view text) override;
  Result<std::string> make_temporary(const std::string& folder,
                                     std::string_view prefix,
                                     std::string_view suffix,
                                     FileKind kind) override;
  [[nodiscard]] Result<HttpResponse> send(const HttpRequest& request) override;
  Result<HttpResponse> download(const HttpRequest& request, const std::string& file) override;
  Result<CommandResult> run(const Command& command) override;
  Result<CommandResult> converse(const Command& command, const Dialogue& dialogue) override;
  Result<int> start_detached(const Command& command) override;

 private:
  [[nodiscard]] Result<HttpResponse> exchange(HttpRequest request, HttpHooks hooks) const;
  /// Reads a file once, for its digests and for `also`.
  [[nodiscard]] Result<Digests> digest(const std::string& path,
                                       const SystemHooks::Sink& also) const;
  [[nodiscard]] std::string in_root(const std::string& path) const;
  [[nodiscard]] std::string out_of_root(const std::string& path) const;
  [[nodiscard]] Result<Launch> launch(const Command& command) const;
  [[nodiscard]] Result<CommandResult> start(const Command& command, bool live) const;
  /// Bytes to write, delivered to a sink; `size` is what they will take.
  struct Source;
  class Replacement;
  Result<WriteReport> put(const std::string& path,
                          const Source& source,
                          const WriteOptions& options);
  Result<void> validate(const std::string& candidate, const std::vector<std::string>& argv) const;

  RealSystemOptions options_;
};

}  // namespace gpustack::modules
