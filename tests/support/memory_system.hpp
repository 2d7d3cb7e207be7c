#pragma once
/// @file A host in memory for module tests: a file tree, accounts, scripted commands; every change
/// is recorded.

#include "modules/sdk/module.hpp"
#include "modules/sdk/system.hpp"

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace gpustack::test {

using modules::Command;
using modules::CommandResult;
using modules::Content;
using modules::FileInfo;
using modules::FileKind;

/// Starts as a small Debian-like host: /, /etc, /tmp, /root, /usr/bin, user and group root, uid 0,
/// umask 022.
class MemorySystem : public modules::System {
 public:
  using Handler = std::function<CommandResult(const Command&, MemorySystem&)>;

  MemorySystem();
  ~MemorySystem() override;

  // Arranging. Parents of what is placed are made. All of these return the system, for chaining.
  MemorySystem& file(const std::string& path,
                     std::string text,
                     std::uint32_t mode = 0644,
                     std::uint32_t uid = 0,
                     std::uint32_t gid = 0);
  MemorySystem& folder(const std::string& path,
                       std::uint32_t mode = 0755,
                       std::uint32_t uid = 0,
                       std::uint32_t gid = 0);
  MemorySystem& link(const std::string& target, const std::string& path);
  MemorySystem& program(const std::string& name, const std::string& folder = "/usr/bin");
  /// Appends to /etc/passwd, /etc/shadow and, unless there is one of that number, /etc/group.
  MemorySystem& user(const std::string& name,
                     std::uint32_t uid,
                     std::uint32_t gid,
                     const std::string& home = {},
                     const std::string& shell = "/bin/bash");
  MemorySystem& group(const std::string& name, std::uint32_t gid, const std::string& members = {});
  /// Commands whose argv begins with these words end like this. The longest match counts, of equals
  /// the latest.
  MemorySystem& when(std::vector<std::string> argv,
                     std::string output,
                     int status = 0,
                     std::string errors = {});
  MemorySystem& when(std::vector<std::string> argv, Handler handler);
  MemorySystem& variable(const std::string& name, const std::string& value);
  MemorySystem& check_mode(bool on);
  MemorySystem& diff_mode(bool on);
  MemorySystem& identity(std::uint32_t uid, std::uint32_t gid);
  MemorySystem& facts(Value facts);
  MemorySystem& accepts(const std::string& host, std::uint16_t port);
  /// Accepts connections and sends this text.
  MemorySystem& says(const std::string& host, std::uint16_t port, std::string text);
  /// Requests to this address are answered like this.
  MemorySystem& answers(const std::string& url,
                        int status,
                        std::string body,
                        modules::HttpHeaders headers = {});
  /// From here on only commands that `queries` allow may run as queries (otherwise any scripted
  /// one).
  MemorySystem& allow_queries(std::string queries);
  /// The next call of this operation on this path fails; operations are named as in changes().
  MemorySystem& fail(const std::string& operation, const std::string& path, Error error);
  /// Content the controller holds; the task would only name its hash.
  Content remote_content(const std::string& bytes);

  // Asserting.
  bool exists(const std::string& path) const;
  std::string text(const std::string& path) const;  ///< empty when there is no such file
  FileInfo info(const std::string& path) const;     ///< of the file itself, not of a link's target
  std::string link_target(const std::string& path) const;
  /// One line per change: `write /etc/x`, `make_directory /x`, `run systemctl restart x`, …
  const std::vector<std::string>& changes() const { return changes_; }
  const std::vector<Command>& commands() const { return commands_; }  ///< those that run() started
  const std::vector<Command>& queries() const { return queries_; }
  const std::vector<modules::HttpRequest>& requests() const { return requests_; }
  const std::vector<std::string>& sent_files() const { return sent_files_; }
  std::size_t fetched_contents() const { return fetched_contents_; }
  /// How many contents each call of expect_contents() named.
  const std::vector<std::size_t>& expected_contents() const { return expected_contents_; }

  // SystemView
  Result<std::optional<FileInfo>> stat(const std::string& path) const override;
  Result<std::optional<FileInfo>> lstat(const std::string& path) const override;
  Result<std::string> read(const std::string& path,
                           std::uint64_t limit = 64U << 20U) const override;
  Result<std::vector<std::string>> list(const std::string& path) const override;
  Result<std::string> read_link(const std::string& path) const override;
  Result<std::string> hash(const std::string& path, modules::Algorithm algorithm) const override;
  Result<std::string> real_path(const std::string& path) const override;
  bool access(const std::string& path, std::string_view mode) const override;
  Result<std::string> attribute_flags(const std::string& path) const override;
  Result<CommandResult> query(const Command& command) const override;
  std::string find_program(std::string_view name) const override;
  Result<std::string> content(const Content& content) const override;
  std::string environment(std::string_view name) const override;
  std::map<std::string, std::string> environment() const override { return environment_; }
  std::uint32_t effective_uid() const override { return uid_; }
  std::uint32_t effective_gid() const override { return gid_; }
  std::uint32_t umask() const override { return 022; }
  std::chrono::system_clock::time_point now() const override;
  std::chrono::steady_clock::time_point steady_now() const override;
  Result<void> sleep(std::chrono::milliseconds time) const override;
  bool can_connect(const std::string& host,
                   std::uint16_t port,
                   std::chrono::milliseconds timeout) const override;
  std::optional<std::string> receive(
      const std::string& host,
      std::uint16_t port,
      std::chrono::milliseconds timeout,
      const std::function<bool(std::string_view)>& enough) const override;
  Result<modules::HttpResponse> http(const modules::HttpQuery& query) const override;
  bool check_mode() const override { return check_; }
  bool diff_mode() const override { return diff_; }
  [[nodiscard]] Result<modules::Digests> send_file(const std::string& path) const override;
  void expect_contents(const std::vector<modules::Content>& contents) const override {
    expected_contents_.push_back(contents.size());
  }
  const Value& facts() const override { return facts_; }

  // System
  Result<modules::WriteReport> write(const std::string& path,
                                     const Content& content,
                                     const modules::WriteOptions& options) override;
  Result<modules::WriteReport> copy_file(const std::string& from,
                                         const std::string& to,
                                         const modules::WriteOptions& options) override;
  Result<void> make_directory(const std::string& path, std::uint32_t mode) override;
  Result<void> remove_file(const std::string& path) override;
  Result<void> remove_tree(const std::string& path) override;
  Result<void> rename(const std::string& from, const std::string& to) override;
  Result<void> make_symlink(const std::string& target, const std::string& path) override;
  Result<void> make_hardlink(const std::string& target, const std::string& path) override;
  Result<void> set_mode(const std::string& path, std::uint32_t mode) override;
  Result<void> set_owner(const std::string& path, modules::Ownership owner, bool follow) override;
  Result<void> set_times(const std::string& path,
                         std::optional<std::chrono::nanoseconds> accessed,
                         std::optional<std::chrono::nanoseconds> modified) override;
  Result<void> set_attribute_flags(const std::string& path, std::string_view flags) override;
  Result<void> write_kernel_file(const std::string& path, std::string_view text) override;
  Result<std::string> make_temporary(const std::string& folder,
                                     std::string_view prefix,
                                     std::string_view suffix,
                                     FileKind kind) override;
  Result<modules::HttpResponse> send(const modules::HttpRequest& request) override;
  Result<modules::HttpResponse> download(const modules::HttpRequest& request,
                                         const std::string& file) override;
  Result<CommandResult> run(const Command& command) override;
  Result<int> start_detached(const Command& command) override;

 private:
  struct Node;
  struct Script {
    std::vector<std::string> argv;
    Handler handler;
  };
  struct Fault {
    std::string operation;
    std::string path;
    Error error;
  };

  /// What http() and send() say, and note. For hosts that say something else.
  virtual Result<modules::HttpResponse> answer(const modules::HttpRequest& request) const;

  /// Path with links resolved; the last component only when `follow`. Nothing when a loop is found.
  std::optional<std::string> resolve(const std::string& path, bool follow, int depth = 0) const;
  Node* node(const std::string& path, bool follow) const;
  Node& place(const std::string& path,
              FileKind kind,
              std::uint32_t mode,
              std::uint32_t uid,
              std::uint32_t gid);
  Result<Node*> existing(const std::string& operation, const std::string& path, bool follow) const;
  Result<void> change(const std::string& operation, const std::string& what);
  Result<std::string> require_parent(const std::string& path, bool follow) const;
  Result<CommandResult> play(const Command& command);
  std::chrono::nanoseconds time() const;

  std::map<std::string, std::shared_ptr<Node>>
      tree_;  ///< absolute path without links in its folders -> file
  std::vector<Script> scripts_;
  std::vector<Fault> faults_;
  std::map<std::string, std::string> environment_;
  std::map<std::string, std::string> contents_;
  std::vector<std::string> open_ports_;
  std::map<std::string, std::string> banners_;  ///< host:port -> what it sends
  std::vector<std::string> changes_;
  std::vector<Command> commands_;
  mutable std::vector<Command> queries_;
  std::map<std::string, modules::HttpResponse> answers_;
  mutable std::vector<modules::HttpRequest> requests_;
  mutable std::vector<std::string> sent_files_;
  mutable std::vector<std::size_t> expected_contents_;
  mutable std::size_t fetched_contents_ = 0;
  mutable std::chrono::milliseconds slept_{0};
  std::string allowed_queries_;
  bool restricts_queries_ = false;
  bool check_ = false;
  bool diff_ = false;
  std::uint32_t uid_ = 0;
  std::uint32_t gid_ = 0;
  std::uint64_t next_inode_ = 100;
  std::uint64_t device_;  ///< no two systems have the same file
  Value facts_;
};

/// Checks the arguments and runs the module as the runner would, queries restricted to the declared
/// ones.
Value run(const modules::ModuleSpec& spec, Value arguments, MemorySystem& system);
/// The same in check mode; fails the running test when the module changed anything.
Value dry_run(const modules::ModuleSpec& spec, Value arguments, MemorySystem& system);

}  // namespace gpustack::test
