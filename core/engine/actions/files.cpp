// copy, template, assemble, script: actions with a part on the controller (local files) and one on
// the host.
#include "core/base/json.hpp"
#include "core/engine/actions/local_files.hpp"
#include "core/engine/services.hpp"
#include "modules/builtin/support/fragments.hpp"
#include "modules/sdk/hash.hpp"

#include <unistd.h>

#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <ctime>
#include <filesystem>
#include <fstream>

namespace gpustack::engine {

namespace fs = std::filesystem;

namespace {

std::string octal(std::uint32_t mode) {
  std::array<char, 16> text{};
  std::snprintf(text.data(), text.size(), "0%03o", mode & 07777U);
  return text.data();
}

Result<std::uint32_t> local_mode(const std::string& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0)
    return Error(ErrorCode::file_unreadable, "'" + path + "' cannot be examined");
  return info.st_mode & 07777U;
}

/// The arguments the host's `copy` understands, taken over as they are.
Value copy_arguments(const Value& from) {
  Value out{Map()};
  for (const char* name : {"dest",
                           "mode",
                           "owner",
                           "group",
                           "backup",
                           "force",
                           "validate",
                           "follow",
                           "directory_mode",
                           "local_follow",
                           "attributes",
                           "attr",
                           "unsafe_writes",
                           "remote_src",
                           "checksum"}) {
    if (const Value* value = from.find(name)) out.set(name, *value);
  }
  return out;
}

std::string content_text(const Value& content) {
  if (!content.is_map() && !content.is_list()) return to_text(content);
  JsonStyle style;
  style.redact_secrets = false;
  return to_json(content, style);
}

/// SHA-1 of a content that the host cannot look at before it is fetched.
Result<std::string> sha1_of(const ContentStore& contents, const modules::Content& content) {
  modules::Hasher hasher(modules::Algorithm::sha1);
  ContentCursor cursor(contents, {wire::NeedContent::Wanted{content.sha256, content.size}});
  while (true) {
    GS_TRY(const std::string piece, cursor.next(wire::kContentPiece));
    if (piece.empty()) return hasher.finish();
    hasher.update(piece);
  }
}

/// One file of the controller, to be placed at `dest`.
Result<void> add_file(ActionCall& call,
                      const std::string& path,
                      const std::string& source,
                      Value& arguments) {
  GS_TRY(auto stored, file_content(call, path, true_unless_given(call.arguments, "decrypt")));
  arguments.set("_content", stored.to_value());
  arguments.set("_original_basename", Value(fs::path(source).filename().string()));
  if (!stored.is_inline && !arguments.get("checksum").is_null()) {
    GS_TRY(std::string sha1, sha1_of(call.play.run().contents(), stored));
    arguments.set("_sha1", Value(std::move(sha1)));
  }
  if (!preserves_mode(arguments)) return {};
  GS_TRY(const std::uint32_t mode, local_mode(path));
  arguments.set("mode", Value(octal(mode)));
  return {};
}

std::string date_text() {
  std::time_t now = std::time(nullptr);
  std::tm parts{};
  ::localtime_r(&now, &parts);
  std::array<char, 64> text{};
  std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M:%S", &parts);
  return text.data();
}

std::string host_name() {
  std::array<char, 256> name{};
  ::gethostname(name.data(), name.size() - 1);
  return name.data();
}

void set_template_variables(Scope& scope,
                            const std::string& path,
                            const std::string& written,
                            const std::string& dest) {
  scope.set_local("template_host", Value(host_name()));
  scope.set_local("template_path", Value(written));
  scope.set_local("template_fullpath", Value(fs::absolute(path).string()));
  scope.set_local("template_destpath", Value(dest));
  scope.set_local("template_uid", Value(static_cast<std::int64_t>(::getuid())));
  scope.set_local("template_run_date", Value(date_text()));
}

Result<std::string> render_file(ActionCall& call, const std::string& path) {
  const Value& arguments = call.arguments;
  GS_TRY(std::string text, read_controller_file(path, call.play.run().state().vault));
  const SourceFile* source = intern_source(path, text);
  jinja::Options options = jinja::Options::for_files();
  const auto text_option = [&](const char* name, std::string& into) {
    if (const Value* value = arguments.find(name); value != nullptr && value->is_string())
      into = value->as_string();
  };
  text_option("variable_start_string", options.variable_start);
  text_option("variable_end_string", options.variable_end);
  text_option("block_start_string", options.block_start);
  text_option("block_end_string", options.block_end);
  text_option("comment_start_string", options.comment_start);
  text_option("comment_end_string", options.comment_end);
  text_option("newline_sequence", options.newline_sequence);
  if (options.newline_sequence == "\\n") options.newline_sequence = "\n";
  if (options.newline_sequence == "\\r") options.newline_sequence = "\r";
  if (options.newline_sequence == "\\r\\n") options.newline_sequence = "\r\n";
  options.trim_blocks = true_unless_given(arguments, "trim_blocks");
  options.lstrip_blocks = arguments.get("lstrip_blocks").truthy();
  Origin origin;
  origin.span = SourceSpan{source, 1, 1, 1};
  GS_TRY(auto header, jinja::parse_header(text, options));
  if (header.length > 0) {
    text.erase(0, header.length);
    origin.span.line += 1;
    options = std::move(header.options);
  }
  GS_TRY(auto compiled, call.play.run().state().templates.compile(text, &origin, options));
  GS_TRY(auto rendered, jinja::render_text(*compiled, call.scope.context()));
  return to_text(rendered);
}

Result<std::string> join_local_fragments(ActionCall& call, const std::string& folder) {
  const Value& arguments = call.arguments;
  modules::FragmentRules rules;
  rules.always_end_delimiter = true;  // as Ansible's controller does, though not its module
  if (!arguments.get("regexp").is_null()) {
    auto wanted = regex::Pattern::compile(to_text(arguments.get("regexp")));
    if (!wanted) return Error(std::move(wanted).error()).at_if_unknown(place_of(call, "regexp"));
    rules.wanted = std::move(*wanted);
  }
  if (!arguments.get("delimiter").is_null()) rules.delimiter = to_text(arguments.get("delimiter"));
  rules.ignore_hidden = arguments.get("ignore_hidden").truthy();
  const bool decrypt = true_unless_given(arguments, "decrypt");
  std::vector<std::string> names;
  std::error_code problem;
  for (auto it = fs::directory_iterator(folder, problem);
       !problem && it != fs::directory_iterator();
       it.increment(problem)) {
    if (it->is_regular_file()) names.push_back(it->path().filename().string());
  }
  if (problem)
    return Error(ErrorCode::file_unreadable,
                 "'" + folder + "' cannot be listed: " + problem.message());
  std::sort(names.begin(), names.end());
  return modules::join_fragments(rules, names, [&](const std::string& name) -> Result<std::string> {
    const std::string path = (fs::path(folder) / name).string();
    if (decrypt) return read_controller_file(path, call.play.run().state().vault);
    std::ifstream file(path, std::ios::binary);
    std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
    if (!file) return Error(ErrorCode::file_unreadable, "'" + path + "' cannot be read");
    return text;
  });
}

}  // namespace

bool true_unless_given(const Value& arguments, std::string_view name) {
  return arguments.get(name).is_null() || arguments.get(name).truthy();
}

bool preserves_mode(const Value& arguments) {
  return arguments.get("mode").is_string() && arguments.get("mode").as_string() == "preserve";
}

Result<modules::Content> file_content(ActionCall& call, const std::string& path, bool decrypt) {
  ContentStore& contents = call.play.run().contents();
  GS_TRY(const KnownFile known, contents.know_file(path));
  if (!decrypt || !known.is_vault) return contents.add_file(path);
  GS_TRY(auto text, read_controller_file(path, call.play.run().state().vault));
  return contents.add_text(std::move(text));
}

Async<Value> action_copy(ActionCall& call) {
  const Value& arguments = call.arguments;
  const bool has_source = !arguments.get("src").is_null();
  const Value& content = arguments.get("content");
  if (has_source && !content.is_null())
    co_return failed_result("src and content are mutually exclusive");
  if (!has_source && content.is_null()) co_return failed_result("src (or content) is required");
  if (!content.is_null() && to_text(arguments.get("dest")).ends_with('/'))
    co_return failed_result("can not use content with a dir as dest");
  Value sent = copy_arguments(arguments);
  if (!content.is_null()) {
    std::string text = content_text(content);
    sent.set("_content", call.play.run().contents().add_text(std::move(text)).to_value());
    co_return co_await run_on_target(call, "copy", std::move(sent));
  }
  const std::string source = to_text(arguments.get("src"));
  if (arguments.get("remote_src").truthy()) {
    sent.set("src", Value(source));
    co_return co_await run_on_target(call, "copy", std::move(sent));
  }
  GS_CO_TRY(std::string path, find_task_file(call, "files", source));
  if (fs::is_directory(path)) {
    if (source.ends_with('/') && !path.ends_with('/')) path += '/';
    GS_CO_TRY_VOID(add_folder(call, path, sent));
  } else {
    GS_CO_TRY_VOID(add_file(call, path, source, sent));
  }
  auto result = co_await run_on_target(call, "copy", std::move(sent));
  if (result && result->get("src").is_null() && result->get("failed").is_null())
    result->set("src", Value(path));
  co_return result;
}

Async<Value> action_template(ActionCall& call) {
  const Value& arguments = call.arguments;
  const std::string source = to_text(arguments.get("src"));
  GS_CO_TRY(const std::string path, find_task_file(call, "templates", source));
  if (fs::is_directory(path))
    co_return failed_result("'" + path + "' is a folder, expected a template file");
  set_template_variables(call.scope, path, source, to_text(arguments.get("dest")));
  auto rendered = render_file(call, path);
  if (!rendered) co_return error_result(rendered.error());
  const modules::Content stored = call.play.run().contents().add_text(std::move(*rendered));
  Value sent = copy_arguments(arguments);
  sent.set("_content", stored.to_value());
  sent.set("_original_basename", Value(fs::path(source).filename().string()));
  if (preserves_mode(sent)) {
    GS_CO_TRY(const std::uint32_t mode, local_mode(path));
    sent.set("mode", Value(octal(mode)));
  }
  co_return co_await run_on_target(call, "copy", std::move(sent));
}

Async<Value> action_assemble(ActionCall& call) {
  const Value& arguments = call.arguments;
  if (true_unless_given(arguments, "remote_src"))
    co_return co_await run_on_target(call, "assemble", arguments);
  const std::string source = to_text(arguments.get("src"));
  GS_CO_TRY(const std::string folder, find_task_file(call, "files", source));
  if (!fs::is_directory(folder)) {
    co_return Error(ErrorCode::invalid_argument, "Source (" + folder + ") is not a directory")
        .at(place_of(call, "src"));
  }
  GS_CO_TRY(std::string text, join_local_fragments(call, folder));
  Value sent = copy_arguments(arguments);
  sent.mutable_map().erase(std::string_view("remote_src"));
  sent.set("_content", call.play.run().contents().add_text(std::move(text)).to_value());
  sent.set("_original_basename", Value(fs::path(source).filename().string()));
  co_return co_await run_on_target(call, "copy", std::move(sent));
}

Async<Value> action_script(ActionCall& call) {
  Value sent = call.arguments;
  std::string line = to_text(sent.get("cmd"));
  // The first word names the file; quotes may hold spaces.
  std::string name;
  const std::size_t begin = line.find_first_not_of(" \t");
  if (begin == std::string::npos) co_return failed_result("script needs the path of a script");
  if (line[begin] == '"' || line[begin] == '\'') {
    const std::size_t end = line.find(line[begin], begin + 1);
    name = line.substr(begin + 1, end == std::string::npos ? end : end - begin - 1);
  } else {
    name = line.substr(begin, line.find_first_of(" \t\n", begin) - begin);
  }
  GS_CO_TRY(const std::string path, find_task_file(call, "files", name));
  GS_CO_TRY(auto stored, file_content(call, path, true_unless_given(sent, "decrypt")));
  sent.set("_content", stored.to_value());
  co_return co_await run_on_target(call, "script", std::move(sent));
}

Async<Value> action_unarchive(ActionCall& call) {
  const Value& arguments = call.arguments;
  const bool is_on_host =
      arguments.get("remote_src").truthy() || !true_unless_given(arguments, "copy");
  if (is_on_host || arguments.get("src").is_null())
    co_return co_await run_on_target(call, "unarchive", arguments);
  auto path = find_task_file(call, "files", to_text(arguments.get("src")));
  if (!path) {
    // What `creates` names may be there, and then nobody misses the archive.
    if (arguments.get("creates").is_null()) co_return Error(std::move(path).error());
    co_return co_await run_on_target(call, "unarchive", arguments);
  }
  GS_CO_TRY(auto stored, file_content(call, *path, true_unless_given(arguments, "decrypt")));
  Value sent = arguments;
  sent.set("_content", stored.to_value());
  co_return co_await run_on_target(call, "unarchive", std::move(sent));
}

}  // namespace gpustack::engine
