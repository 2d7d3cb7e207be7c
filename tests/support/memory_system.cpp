#include "tests/support/memory_system.hpp"

#include "modules/sdk/queries.hpp"
#include "modules/sdk/text.hpp"
#include "tests/support/memory_node.hpp"

#include <gtest/gtest.h>

namespace gpustack::test {

namespace {

constexpr std::chrono::seconds kEpoch{1'700'000'000};
constexpr int kMaxLinks = 40;

std::string normal(const std::string& path) {
  std::string out;
  for (const std::string& part : modules::split(path, '/')) {
    if (part.empty() || part == ".") continue;
    if (part == "..") {
      out.erase(out.rfind('/') == std::string::npos ? 0 : out.rfind('/'));
      continue;
    }
    out += "/" + part;
  }
  return out.empty() ? "/" : out;
}

Error absent(const std::string& path) {
  return Error(ErrorCode::file_operation, "'" + path + "': no such file or directory");
}

}  // namespace

MemorySystem::MemorySystem()
    : device_([] {
        static std::uint64_t last = 0;
        return ++last;
      }()) {
  auto root = std::make_shared<Node>();
  root->info.kind = FileKind::directory;
  root->info.mode = 0755;
  tree_["/"] = std::move(root);
  folder("/etc")
      .folder("/root", 0700)
      .folder("/tmp", 01777)
      .folder("/usr/bin")
      .folder("/usr/sbin")
      .folder("/var/lib");
  file("/etc/passwd", "root:x:0:0:root:/root:/bin/bash\n");
  file("/etc/group", "root:x:0:\n");
  file("/etc/shadow", "root:*:19000:0:99999:7:::\n", 0640);
  environment_ = {{"PATH", "/usr/sbin:/usr/bin"}, {"HOME", "/root"}};
}

MemorySystem::~MemorySystem() = default;

std::optional<std::string> MemorySystem::resolve(const std::string& path,
                                                 bool follow,
                                                 int depth) const {
  if (depth > kMaxLinks) return std::nullopt;
  const auto parts = modules::split(path, '/');
  std::string at;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (parts[i].empty() || parts[i] == ".") continue;
    if (parts[i] == "..") {
      at.erase(at.rfind('/') == std::string::npos ? 0 : at.rfind('/'));
      continue;
    }
    const std::string next = at + "/" + parts[i];
    const auto found = tree_.find(next);
    const bool last = i + 1 == parts.size();
    if (found != tree_.end() && found->second->info.kind == FileKind::symlink &&
        (!last || follow)) {
      const std::string& target = found->second->target;
      const auto there =
          resolve(target.starts_with('/') ? target : at + "/" + target, true, depth + 1);
      if (!there) return std::nullopt;
      at = *there == "/" ? "" : *there;
    } else {
      at = next;
    }
  }
  return at.empty() ? "/" : at;
}

MemorySystem::Node* MemorySystem::node(const std::string& path, bool follow) const {
  const auto real = resolve(path, follow);
  if (!real) return nullptr;
  const auto found = tree_.find(*real);
  return found == tree_.end() ? nullptr : found->second.get();
}

MemorySystem::Node& MemorySystem::place(const std::string& path,
                                        FileKind kind,
                                        std::uint32_t mode,
                                        std::uint32_t uid,
                                        std::uint32_t gid) {
  const std::string clean = normal(path);
  const std::string parent = modules::parent_folder(clean);
  if (clean != "/" && node(parent, true) == nullptr) folder(parent);
  const std::string real = resolve(clean, false).value_or(clean);
  auto fresh = std::make_shared<Node>();
  fresh->info.kind = kind;
  fresh->info.mode = mode;
  fresh->info.uid = uid;
  fresh->info.gid = gid;
  fresh->info.inode = next_inode_++;
  fresh->info.device = device_;
  fresh->info.accessed = fresh->info.modified = fresh->info.changed = time();
  Node& out = *fresh;
  tree_[real] = std::move(fresh);
  return out;
}

MemorySystem& MemorySystem::file(const std::string& path,
                                 std::string text,
                                 std::uint32_t mode,
                                 std::uint32_t uid,
                                 std::uint32_t gid) {
  Node& made = place(path, FileKind::regular, mode, uid, gid);
  made.info.size = text.size();
  made.bytes = std::move(text);
  return *this;
}

MemorySystem& MemorySystem::folder(const std::string& path,
                                   std::uint32_t mode,
                                   std::uint32_t uid,
                                   std::uint32_t gid) {
  if (node(path, true) == nullptr) place(path, FileKind::directory, mode, uid, gid);
  return *this;
}

MemorySystem& MemorySystem::link(const std::string& target, const std::string& path) {
  Node& made = place(path, FileKind::symlink, 0777, 0, 0);
  made.target = target;
  made.info.size = target.size();
  return *this;
}

MemorySystem& MemorySystem::program(const std::string& name, const std::string& folder) {
  return file(folder + "/" + name, "#!/bin/sh\n", 0755);
}

MemorySystem& MemorySystem::user(const std::string& name,
                                 std::uint32_t uid,
                                 std::uint32_t gid,
                                 const std::string& home,
                                 const std::string& shell) {
  const std::string ids = std::to_string(uid) + ":" + std::to_string(gid);
  const std::string folder = home.empty() ? "/home/" + name : home;
  node("/etc/passwd", true)->append(name + ":x:" + ids + "::" + folder + ":" + shell + "\n");
  node("/etc/shadow", true)->append(name + ":!:19000:0:99999:7:::\n");
  if (text("/etc/group").find(":" + std::to_string(gid) + ":") == std::string::npos)
    group(name, gid);
  return *this;
}

MemorySystem& MemorySystem::group(const std::string& name,
                                  std::uint32_t gid,
                                  const std::string& members) {
  node("/etc/group", true)->append(name + ":x:" + std::to_string(gid) + ":" + members + "\n");
  return *this;
}

MemorySystem& MemorySystem::when(std::vector<std::string> argv,
                                 std::string output,
                                 int status,
                                 std::string errors) {
  CommandResult result;
  result.status = status;
  result.output = std::move(output);
  result.errors = std::move(errors);
  return when(std::move(argv), [result](const Command&, MemorySystem&) { return result; });
}

MemorySystem& MemorySystem::when(std::vector<std::string> argv, Handler handler) {
  if (!argv.empty() && argv[0].find('/') == std::string::npos && find_program(argv[0]).empty())
    program(argv[0]);
  scripts_.push_back(Script{std::move(argv), std::move(handler)});
  return *this;
}

MemorySystem& MemorySystem::variable(const std::string& name, const std::string& value) {
  environment_[name] = value;
  return *this;
}

MemorySystem& MemorySystem::check_mode(bool on) {
  check_ = on;
  return *this;
}

MemorySystem& MemorySystem::diff_mode(bool on) {
  diff_ = on;
  return *this;
}

MemorySystem& MemorySystem::identity(std::uint32_t uid, std::uint32_t gid) {
  uid_ = uid;
  gid_ = gid;
  return *this;
}

MemorySystem& MemorySystem::facts(Value facts) {
  facts_ = std::move(facts);
  return *this;
}

MemorySystem& MemorySystem::accepts(const std::string& host, std::uint16_t port) {
  open_ports_.push_back(host + ":" + std::to_string(port));
  return *this;
}

MemorySystem& MemorySystem::says(const std::string& host, std::uint16_t port, std::string text) {
  banners_[host + ":" + std::to_string(port)] = std::move(text);
  return accepts(host, port);
}

std::optional<std::string> MemorySystem::receive(
    const std::string& host,
    std::uint16_t port,
    std::chrono::milliseconds timeout,
    const std::function<bool(std::string_view)>& enough) const {
  const auto banner = banners_.find(host + ":" + std::to_string(port));
  if (banner == banners_.end()) return std::nullopt;
  if (!enough(banner->second)) slept_ += timeout;
  return banner->second;
}

MemorySystem& MemorySystem::allow_queries(std::string queries) {
  allowed_queries_ = std::move(queries);
  restricts_queries_ = true;
  return *this;
}

MemorySystem& MemorySystem::fail(const std::string& operation,
                                 const std::string& path,
                                 Error error) {
  faults_.push_back(Fault{operation, path, std::move(error)});
  return *this;
}

Content MemorySystem::remote_content(const std::string& bytes) {
  Content content = Content::of(bytes);
  contents_[content.sha256] = std::move(content.bytes);
  content.bytes.clear();
  content.is_inline = false;
  return content;
}

bool MemorySystem::exists(const std::string& path) const { return node(path, false) != nullptr; }

std::string MemorySystem::text(const std::string& path) const {
  const Node* found = node(path, true);
  return found == nullptr ? std::string() : found->bytes;
}

FileInfo MemorySystem::info(const std::string& path) const {
  const Node* found = node(path, false);
  return found == nullptr ? FileInfo() : found->info;
}

std::string MemorySystem::link_target(const std::string& path) const {
  const Node* found = node(path, false);
  return found == nullptr ? std::string() : found->target;
}

std::chrono::nanoseconds MemorySystem::time() const { return kEpoch + slept_; }
std::chrono::system_clock::time_point MemorySystem::now() const {
  return std::chrono::system_clock::time_point(kEpoch + slept_);
}
std::chrono::steady_clock::time_point MemorySystem::steady_now() const {
  return std::chrono::steady_clock::time_point(slept_);
}

Result<void> MemorySystem::sleep(std::chrono::milliseconds duration) const {
  slept_ += duration;
  return {};
}

Result<MemorySystem::Node*> MemorySystem::existing(const std::string& operation,
                                                   const std::string& path,
                                                   bool follow) const {
  Node* found = node(path, follow);
  if (found == nullptr) return Error(absent(path)).while_doing(operation);
  return found;
}

Result<std::string> MemorySystem::require_parent(const std::string& path, bool follow) const {
  const auto real = resolve(normal(path), follow);
  if (!real)
    return Error(ErrorCode::file_operation, "'" + path + "': too many levels of symbolic links");
  const Node* parent = node(modules::parent_folder(*real), true);
  if (parent == nullptr) return absent(modules::parent_folder(*real));
  if (parent->info.kind != FileKind::directory) {
    return Error(ErrorCode::file_operation,
                 "'" + modules::parent_folder(*real) + "': not a directory");
  }
  return *real;
}

Result<void> MemorySystem::change(const std::string& operation, const std::string& what) {
  for (auto fault = faults_.begin(); fault != faults_.end(); ++fault) {
    if (fault->operation != operation || fault->path != what) continue;
    Error error = fault->error;
    faults_.erase(fault);
    return error;
  }
  changes_.push_back(operation + " " + what);
  return {};
}

Value run(const modules::ModuleSpec& spec, Value arguments, MemorySystem& system) {
  system.allow_queries(std::string(spec.queries));
  auto checked = modules::check_arguments(spec, arguments);
  if (!checked) return modules::failure(checked.error());
  return modules::run_module(spec, *checked, system);
}

Value dry_run(const modules::ModuleSpec& spec, Value arguments, MemorySystem& system) {
  const bool before = static_cast<const modules::SystemView&>(system).check_mode();
  const std::size_t changes = system.changes().size();
  system.check_mode(true);
  Value result = run(spec, std::move(arguments), system);
  system.check_mode(before);
  EXPECT_EQ(system.changes().size(), changes) << "a dry run changed: " << system.changes().back();
  return result;
}

}  // namespace gpustack::test
