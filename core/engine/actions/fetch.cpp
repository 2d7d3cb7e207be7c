// fetch: a file of the host comes to the controller.
#include "core/engine/actions/action.hpp"
#include "core/engine/services.hpp"
#include "modules/sdk/hash.hpp"
#include "modules/sdk/random_name.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <memory>

namespace gpustack::engine {

namespace fs = std::filesystem;

namespace {

/// A file in the folder of its final place, which arriving bytes are written to. Where the file
/// system can, it has no name until it is complete, so that nothing stays of it whatever happens.
class PartialFile {
 public:
  explicit PartialFile(std::string dest) : dest_(std::move(dest)) {}
  PartialFile(const PartialFile&) = delete;
  PartialFile& operator=(const PartialFile&) = delete;
  ~PartialFile() {
    if (file_ >= 0) ::close(file_);
    if (!path_.empty()) ::unlink(path_.c_str());
  }

  /// @return false: it cannot be written, and finish() says why
  bool write(std::string_view bytes) {
    if (problem_ == 0 && file_ < 0) open();
    while (problem_ == 0 && !bytes.empty()) {
      const ssize_t written = ::write(file_, bytes.data(), bytes.size());
      if (written < 0 && errno != EINTR) problem_ = errno;
      if (written <= 0) continue;
      hasher_.update(bytes.substr(0, static_cast<std::size_t>(written)));
      bytes.remove_prefix(static_cast<std::size_t>(written));
    }
    return problem_ == 0;
  }
  [[nodiscard]] bool failed() const { return problem_ != 0; }
  [[nodiscard]] Error failure() const {
    return Error(ErrorCode::file_unreadable,
                 "'" + dest_ + "' cannot be written: " + std::strerror(problem_));
  }
  /// SHA-256 of all that was written; an empty file sends no bytes and is there all the same.
  std::string finish() {
    write({});
    return hasher_.finish();
  }
  /// Puts the file at its place.
  Result<void> keep() {
    if (problem_ == 0 && path_.empty()) {
      const std::string own = "/proc/self/fd/" + std::to_string(file_);
      const std::string name = fresh_name();
      if (::linkat(AT_FDCWD, own.c_str(), AT_FDCWD, name.c_str(), AT_SYMLINK_FOLLOW) != 0) {
        problem_ = errno;
      } else {
        path_ = name;
      }
    }
    if (problem_ == 0 && ::rename(path_.c_str(), dest_.c_str()) != 0) problem_ = errno;
    if (problem_ != 0) return failure();
    path_.clear();
    return {};
  }

 private:
  void open() {
    constexpr mode_t kMode = 0666;  // less the umask, as any file that a program makes
    file_ = ::open(fs::path(dest_).parent_path().c_str(), O_TMPFILE | O_WRONLY | O_CLOEXEC, kMode);
    if (file_ >= 0) return;
    const std::string name = fresh_name();
    file_ = ::open(name.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, kMode);
    if (file_ < 0) {
      problem_ = errno;
    } else {
      path_ = name;
    }
  }
  [[nodiscard]] std::string fresh_name() const {
    return dest_ + ".gpustack-" + std::to_string(::getpid()) + "-" + modules::random_name();
  }

  std::string dest_;
  std::string path_;  ///< empty while it has no name
  int file_ = -1;
  int problem_ = 0;
  modules::Hasher hasher_{modules::Algorithm::sha256};
};

/// Where the file goes on the controller; none where a folder stands in its place.
std::optional<std::string> destination(const ActionCall& call, const std::string& source) {
  const Value& arguments = call.arguments;
  std::string dest = expand_user(to_text(arguments.get("dest")));
  if (!dest.starts_with('/')) dest = call.play.play().play->folder + "/" + dest;
  if (!arguments.get("flat").truthy()) {
    const std::string host =
        call.settings.delegate_to.empty() ? call.host.state->name : call.settings.delegate_to;
    dest += (dest.ends_with('/') ? "" : "/") + host + (source.starts_with('/') ? "" : "/") + source;
  } else if (dest.ends_with('/')) {
    dest += fs::path(source).filename().string();
  } else if (fs::is_directory(dest)) {
    return std::nullopt;
  }
  return fs::path(dest).lexically_normal().string();
}

/// Moves what arrived to its place, once it is what the host has.
Result<Value> keep(ActionCall& call,
                   PartialFile& partial,
                   const std::string& source,
                   const std::string& dest,
                   Value result) {
  const std::string arrived = partial.finish();
  const std::string sha256 = to_text(result.get("sha256"));
  if (partial.failed()) return failed_result(partial.failure().message());
  if (arrived != sha256) {
    return failed_result("checksum mismatch: " + source + " has " + sha256 + ", what arrived has " +
                         arrived);
  }
  if (const auto kept = partial.keep(); !kept) return failed_result(kept.error().message());
  call.play.run().contents().remember(dest, sha256);
  result.set("changed", true);
  return result;
}

}  // namespace

Async<Value> action_fetch(ActionCall& call) {
  const Value& arguments = call.arguments;
  const std::string source = to_text(arguments.get("src"));
  if (call.settings.check) {
    co_return Value::map({{"changed", false},
                          {"skipped", true},
                          {"msg", "check mode not (yet) supported for this module"}});
  }
  const auto place = destination(call, source);
  if (!place) {
    co_return failed_result(
        "dest is an existing directory, use a trailing slash if you want to fetch src into that "
        "directory");
  }
  const std::string& dest = *place;
  std::string known;
  Value arguments_sent = Value::map({{"src", Value(source)},
                                     {"dest", Value(dest)},
                                     {"fail_on_missing", arguments.get("fail_on_missing")}});
  if (fs::is_regular_file(dest)) {
    GS_CO_TRY(const auto stored, call.play.run().contents().know_file(dest));
    known = stored.sha256;
    arguments_sent.set("_known_sha256", Value(known));
    arguments_sent.set("_known_size", Value(stored.stamp.size));
  }
  GS_CO_TRY(Target * target, co_await target_of(call));
  std::error_code problem;
  fs::create_directories(fs::path(dest).parent_path(), problem);
  const auto partial = std::make_shared<PartialFile>(dest);
  TaskCall request;
  request.module = "fetch";
  request.arguments = std::move(arguments_sent);
  request.environment = call.settings.environment;
  request.become = call.settings.become;
  request.on_data = [partial](std::string_view bytes) { return partial->write(bytes); };
  GS_CO_TRY(Value result, co_await target->run(std::move(request)));
  if (partial->failed()) co_return failed_result(partial->failure().message());
  if (result.get("failed").truthy() || result.get("skipped").truthy()) co_return result;
  if (result.get("sha256").is_null()) co_return result;  // missing, and allowed to be
  result.set("dest", Value(dest));
  if (!known.empty() && to_text(result.get("sha256")) == known) {
    result.set("changed", false);
    co_return result;
  }
  co_return keep(call, *partial, source, dest, std::move(result));
}

}  // namespace gpustack::engine
