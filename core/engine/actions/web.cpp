// uri: files of the controller that a request sends.
#include "core/engine/actions/action.hpp"

#include <filesystem>

namespace gpustack::engine {

namespace {

Result<Value> stored_file(ActionCall& call, const std::string& name) {
  GS_TRY(const std::string path, find_task_file(call, "files", name));
  if (std::filesystem::is_directory(path)) {
    return Error(ErrorCode::invalid_argument, "'" + path + "' is a folder, expected a file")
        .at(place_of(call, "src"));
  }
  GS_TRY(const modules::Content stored, call.play.run().contents().add_file(path));
  return stored.to_value();
}

/// The files that fields of a form name, unless a field has its content.
Result<Value> with_files(ActionCall& call, Value body) {
  if (!body.is_map()) return body;
  for (auto& [name, field] : body.mutable_map()) {
    if (!field.is_map() || !field.get("filename").truthy() || field.get("content").truthy())
      continue;
    GS_TRY(Value stored, stored_file(call, to_text(field.get("filename"))));
    field.set("_content", std::move(stored));
  }
  return body;
}

}  // namespace

Async<Value> action_uri(ActionCall& call) {
  Value sent = call.arguments;
  if (!sent.get("remote_src").truthy()) {
    if (!sent.get("src").is_null()) {
      GS_CO_TRY(Value stored, stored_file(call, to_text(sent.get("src"))));
      sent.set("_content", std::move(stored));
    } else if (to_text(sent.get("body_format")) == "form-multipart") {
      GS_CO_TRY(Value body, with_files(call, sent.get("body")));
      sent.set("body", std::move(body));
    }
  }
  co_return co_await run_on_target(call, "uri", std::move(sent));
}

}  // namespace gpustack::engine
