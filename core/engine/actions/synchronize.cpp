// synchronize: a folder of one side becomes as it is on the other. The sending side lists its
// files, the receiving one says which contents it wants, and these travel.
#include "core/base/msgpack.hpp"
#include "core/engine/actions/action.hpp"
#include "core/engine/services.hpp"
#include "modules/builtin/support/sync_list.hpp"
#include "modules/sdk/random_name.hpp"
#include "modules/sdk/real_system.hpp"

#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace gpustack::engine {

namespace fs = std::filesystem;
using modules::SyncEntry;
using Entries = std::vector<SyncEntry>;

namespace {

/// Where a pull ends: below the playbook's folder unless the path is absolute.
std::string controller_dest(const ActionCall& call) {
  std::string path = expand_user(to_text(call.arguments.get("dest")));
  if (!path.starts_with('/')) path = call.play.play().play->folder + "/" + path;
  return path;
}

Error other_host(const ActionCall& call, const std::string& name, const std::string& path) {
  return Error(ErrorCode::invalid_argument,
               name + ": '" + path + "' names another host, expected a path")
      .at(place_of(call, name))
      .hint("the two sides are the controller and the task's host");
}

Result<void> check_paths(const ActionCall& call) {
  for (const std::string name : {"src", "dest"}) {
    const std::string path = to_text(call.arguments.get(name));
    const std::size_t colon = path.find(':');
    if (colon == std::string::npos || colon > path.find('/')) continue;
    return other_host(call, name, path);
  }
  return {};
}

Result<Entries> list_controller(const std::string& path, const modules::SyncRules& rules) {
  modules::RealSystemOptions options;
  options.environment = modules::process_environment();
  const modules::RealSystem system(std::move(options));
  return modules::list_source(system, path, rules);
}

/// A folder of the controller for what arrives, until it is at its place.
class ArrivalFolder {
 public:
  explicit ArrivalFolder(ContentStore& store)
      : store_(store),
        path_(fs::temp_directory_path() /
              ("gpustack-" + std::to_string(::getpid()) + "-" + modules::random_name())) {
    std::error_code problem;
    fs::create_directory(path_, problem);
    fs::permissions(path_, fs::perms::owner_all, problem);
  }
  ArrivalFolder(const ArrivalFolder&) = delete;
  ArrivalFolder& operator=(const ArrivalFolder&) = delete;
  ~ArrivalFolder() {
    for (const auto& [number, sha256] : held_) store_.forget(file(number), sha256);
    std::error_code problem;
    fs::remove_all(path_, problem);
  }
  [[nodiscard]] std::string file(std::size_t number) const {
    return path_ / std::to_string(number);
  }

  /// The store has this content from here.
  void holds(std::size_t number, std::string sha256) {
    held_.emplace_back(number, std::move(sha256));
  }

 private:
  ContentStore& store_;
  fs::path path_;
  std::vector<std::pair<std::size_t, std::string>> held_;
};

/// Files that arrive one behind the other, cut into their own.
class Arrival {
 public:
  Arrival(const ArrivalFolder& folder, const Entries& entries, std::vector<std::size_t> wanted)
      : folder_(folder), entries_(entries), wanted_(std::move(wanted)) {}

  bool write(std::string_view bytes) {
    while (!bytes.empty()) {
      if (!next()) return false;
      const std::size_t length =
          static_cast<std::size_t>(std::min<std::uint64_t>(bytes.size(), left_));
      file_.write(bytes.data(), static_cast<std::streamsize>(length));
      bytes.remove_prefix(length);
      left_ -= length;
      if (!file_) return false;
    }
    return true;
  }

  /// Files without a byte send none. @return whether all came
  bool finish() {
    while (left_ == 0 && index_ < wanted_.size())
      if (!open()) return false;
    file_.close();
    return left_ == 0 && index_ == wanted_.size() && !file_.fail();
  }

 private:
  bool next() {
    while (left_ == 0)
      if (index_ == wanted_.size() || !open()) return false;
    return true;
  }
  bool open() {
    if (file_.is_open()) file_.close();
    const std::size_t number = wanted_[index_++];
    file_.open(folder_.file(number), std::ios::binary | std::ios::trunc);
    left_ = entries_[number].size;
    return file_.good();
  }

  const ArrivalFolder& folder_;
  const Entries& entries_;
  std::vector<std::size_t> wanted_;
  std::size_t index_ = 0;
  std::uint64_t left_ = 0;
  std::ofstream file_;
};

std::vector<std::size_t> wanted_numbers(const Value& result) {
  std::vector<std::size_t> numbers;
  if (result.get("_wanted").is_list())
    for (const Value& number : result.get("_wanted").as_list())
      numbers.push_back(static_cast<std::size_t>(number.as_integer()));
  return numbers;
}

/// One side of a transfer: a connection, and who the task is there.
struct Side {
  Target* target = nullptr;
  bool becomes = true;
};

Async<Value> run_part(ActionCall& call, Side side, Value arguments) {
  TaskCall part = make_call(call.settings, "synchronize", std::move(arguments));
  // The controller's files are those of who runs it, whoever the task becomes on the host.
  if (!side.becomes) part.become = Become();
  co_return co_await side.target->run(std::move(part));
}

/// The receiving side, asked once, and once more with the contents that it wants.
template <typename Contents>
Async<Value> receive(
    ActionCall& call, Side receiver, Entries entries, Value arguments, Contents contents_of) {
  ContentStore& store = call.play.run().contents();
  arguments.set("_list", store.add_text(to_msgpack(modules::sync_value(entries))).to_value());
  GS_CO_TRY(Value result, co_await run_part(call, receiver, arguments));
  const auto wanted = wanted_numbers(result);
  if (wanted.empty()) co_return result;
  for (const std::size_t number : wanted)
    if (number >= entries.size())
      co_return Error(ErrorCode::protocol, "the host asks for a file that is not in the list");
  GS_CO_TRY(Value contents, co_await contents_of(wanted, entries));
  // A file may have grown or shrunk since it was listed.
  arguments.set("_list", store.add_text(to_msgpack(modules::sync_value(entries))).to_value());
  arguments.set("_contents", std::move(contents));
  GS_CO_TRY(Value done, co_await run_part(call, receiver, arguments));
  if (done.find("_wanted") != nullptr)
    co_return failed_result("files of the destination changed while they were synchronized");
  co_return done;
}

Value number_key(std::size_t number) { return Value(std::to_string(number)); }

Async<Value> push(ActionCall& call, Target* target, const modules::SyncRules& rules) {
  // As other actions that send: from the role's folder `files` as well.
  std::string source = expand_user(to_text(call.arguments.get("src")));
  if (!source.starts_with('/')) {
    GS_CO_TRY(std::string found, find_task_file(call, "files", source));
    if (source.ends_with('/') && !found.ends_with('/')) found += '/';
    source = std::move(found);
  }
  GS_CO_TRY(Entries entries, list_controller(source, rules));
  ContentStore& store = call.play.run().contents();
  const auto contents = [&store](const std::vector<std::size_t>& wanted,
                                 Entries& all) -> Async<Value> {
    Map out;
    for (const std::size_t number : wanted) {
      SyncEntry& entry = all[number];
      modules::Content content;
      if (wanted.size() == 1) {
        GS_CO_TRY(content, store.add_file(entry.source));
      } else {
        GS_CO_TRY(const KnownFile known, store.know_file(entry.source));
        content.sha256 = known.sha256;
        content.size = known.stamp.size;
        content.is_inline = false;
      }
      entry.size = content.size;
      out.set(number_key(number), content.to_value());
    }
    co_return Value(std::move(out));
  };
  co_return co_await receive(call, Side{target}, std::move(entries), call.arguments, contents);
}

Async<Value> pull(ActionCall& call, Target* target) {
  Value question = call.arguments;
  question.set("_lists", true);
  GS_CO_TRY(Value listed, co_await run_part(call, Side{target}, std::move(question)));
  if (!listed.get("_list").is_list()) co_return listed;
  GS_CO_TRY(Entries entries, modules::sync_entries(listed.get("_list")));
  ContentStore& store = call.play.run().contents();
  ArrivalFolder folder(store);
  const auto contents = [&](const std::vector<std::size_t>& wanted, Entries& all) -> Async<Value> {
    List paths;
    for (const std::size_t number : wanted) paths.push_back(Value(all[number].source));
    Value request = call.arguments;
    request.set("_sends", Value(std::move(paths)));
    TaskCall sending = make_call(call.settings, "synchronize", std::move(request));
    const auto arrival = std::make_shared<Arrival>(folder, all, wanted);
    sending.on_data = [arrival](std::string_view bytes) { return arrival->write(bytes); };
    GS_CO_TRY(const Value sent, co_await target->run(std::move(sending)));
    if (!sent.get("_hashes").is_list())
      co_return Error(ErrorCode::module_failed, to_text(sent.get("msg")));
    if (!arrival->finish() || sent.get("_hashes").size() != wanted.size())
      co_return Error(ErrorCode::module_failed, "files changed on the host while they were sent");
    Map out;
    for (std::size_t i = 0; i < wanted.size(); ++i) {
      GS_CO_TRY(const modules::Content content, store.add_file(folder.file(wanted[i])));
      folder.holds(wanted[i], content.sha256);
      if (Value(content.sha256) != sent.get("_hashes").as_list()[i])
        co_return Error(ErrorCode::module_failed,
                        "'" + all[wanted[i]].source + "' changed while it was sent");
      out.set(number_key(wanted[i]), content.to_value());
    }
    co_return Value(std::move(out));
  };
  ConnectionSettings here;
  here.kind = "local";
  GS_CO_TRY(Target * controller,
            co_await call.play.run().targets().get("localhost", std::move(here)));
  Value arguments = call.arguments;
  arguments.set("dest", Value(controller_dest(call)));
  co_return co_await receive(
      call, Side{controller, false}, std::move(entries), std::move(arguments), contents);
}

}  // namespace

Async<Value> action_synchronize(ActionCall& call) {
  GS_CO_TRY_VOID(check_paths(call));
  GS_CO_TRY(const modules::SyncRules rules, modules::SyncRules::of(modules::Args(call.arguments)));
  const std::string& delegate = call.settings.delegate_to;
  if (delegate == call.host.state->name) {
    Value arguments = call.arguments;
    arguments.set("_here", true);
    co_return co_await run_on_target(call, "synchronize", std::move(arguments));
  }
  if (!delegate.empty() && !connects_locally(call, delegate))
    co_return failed_result("synchronize between '" + delegate + "' and '" + call.host.state->name +
                            "' is not supported: one side is the controller, or both are the "
                            "task's host (delegate_to: \"{{ inventory_hostname }}\")");
  GS_CO_TRY(const bool counts, co_await call.host.pipeline.turn(call.flight));
  if (!counts) co_return Error(ErrorCode::engine, "a task before this one failed");
  GS_CO_TRY(ConnectionSettings connection, resolve_connection(call.scope, &call.task));
  const Value& port = call.arguments.get("dest_port");
  const int used = connection.port == 0 ? 22 : connection.port;
  if (port.is_integer() && port.as_integer() != used && connection.kind != "local")
    co_return failed_result("dest_port is " + to_text(port) + ", but the host is reached by port " +
                            std::to_string(used) + ": files travel over that connection");
  GS_CO_TRY(Target * target,
            co_await call.play.run().targets().get(call.host.state->name, std::move(connection)));
  if (to_text(call.arguments.get("mode")) == "pull") co_return co_await pull(call, target);
  co_return co_await push(call, target, rules);
}

}  // namespace gpustack::engine
