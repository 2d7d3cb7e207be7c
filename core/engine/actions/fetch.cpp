// fetch: a file of the host comes to the controller.
#include "core/engine/actions/action.hpp"
#include "core/engine/services.hpp"

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <memory>

namespace gpustack::engine {

namespace fs = std::filesystem;

namespace {

/// A file beside its final place, which arriving bytes are written to. It is gone with the last
/// owner unless it was moved to its place.
class PartialFile {
 public:
  explicit PartialFile(std::string path) : path_(std::move(path)) {}
  PartialFile(const PartialFile&) = delete;
  PartialFile& operator=(const PartialFile&) = delete;
  ~PartialFile() {
    std::error_code problem;
    fs::remove(path_, problem);
  }

  void write(std::string_view bytes) {
    if (!file_.is_open()) file_.open(path_, std::ios::binary | std::ios::trunc);
    file_.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  }
  /// An empty file sends no bytes and is there all the same.
  void finish() {
    write({});
    file_.close();
  }
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
  std::ofstream file_;
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
  partial.finish();
  const std::string sha256 = to_text(result.get("sha256"));
  GS_TRY(const auto stored, call.play.run().contents().add_file(partial.path()));
  if (stored.sha256 != sha256) {
    return failed_result("checksum mismatch: " + source + " has " + sha256 + ", what arrived has " +
                         stored.sha256);
  }
  std::error_code problem;
  fs::rename(partial.path(), dest, problem);
  if (problem) return failed_result("'" + dest + "' cannot be written: " + problem.message());
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
  if (fs::is_regular_file(dest)) {
    GS_CO_TRY(auto stored, call.play.run().contents().add_file(dest));
    known = stored.sha256;
  }
  GS_CO_TRY(Target * target, co_await target_of(call));
  std::error_code problem;
  fs::create_directories(fs::path(dest).parent_path(), problem);
  const auto partial = std::make_shared<PartialFile>(
      dest + ".gpustack-" + std::to_string(::getpid()) + "-" + std::to_string(call.host.number));
  TaskCall request;
  request.module = "fetch";
  request.arguments = Value::map({{"src", Value(source)},
                                  {"_known_sha256", Value(known)},
                                  {"dest", Value(dest)},
                                  {"fail_on_missing", arguments.get("fail_on_missing")}});
  request.environment = call.settings.environment;
  request.become = call.settings.become;
  request.on_data = [partial](std::string_view bytes) { partial->write(bytes); };
  GS_CO_TRY(Value result, co_await target->run(std::move(request)));
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
