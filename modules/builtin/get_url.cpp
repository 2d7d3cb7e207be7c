#include "modules/builtin/support/command_result.hpp"
#include "modules/builtin/support/file_state.hpp"
#include "modules/builtin/support/http_arguments.hpp"
#include "modules/builtin/support/loaded_checksum.hpp"
#include "modules/sdk/file_arguments.hpp"
#include "modules/sdk/text.hpp"
#include "modules/sdk/url.hpp"

namespace gpustack::modules {

namespace {

constexpr ArgSpec kArgs[] = {
    {.name = "url",
     .required = true,
     .doc = "Address to load from: http, https, or file:///PATH of the host."},
    {.name = "dest",
     .type = ArgType::path,
     .required = true,
     .doc = "File to write, or a folder that keeps the name the server gives."},
    {.name = "checksum",
     .doc = "ALGORITHM:DIGEST, or ALGORITHM:URL of a list of digests.",
     .empty_fallback = true},
    {.name = "force",
     .type = ArgType::boolean,
     .fallback = "no",
     .doc = "Load even when the file there is as new, or has the checksum."},
    {.name = "backup",
     .type = ArgType::boolean,
     .fallback = "no",
     .doc = "Keep a copy of the old file beside it."},
    {.name = "tmp_dest", .type = ArgType::path, .doc = "Folder for the file while it loads."},
    {.name = "timeout",
     .type = ArgType::integer,
     .fallback = "10",
     .doc = "Seconds of silence after which the server is given up."},
    {.name = "headers", .type = ArgType::map, .doc = "Headers to send."},
    {.name = "unredirected_headers",
     .type = ArgType::list,
     .elements = ArgType::string,
     .doc = "Names of headers that redirects do not take along.",
     .empty_fallback = true},
    {.name = "http_agent", .fallback = "ansible-httpget", .doc = "What to send as User-Agent."},
    {.name = "url_username", .aliases = "username", .doc = "User for Basic authentication."},
    {.name = "url_password",
     .aliases = "password",
     .is_secret = true,
     .doc = "Password for Basic authentication."},
    {.name = "force_basic_auth",
     .type = ArgType::boolean,
     .fallback = "no",
     .doc = "Send user and password with the first request."},
    {.name = "use_gssapi",
     .type = ArgType::boolean,
     .fallback = "no",
     .doc = "Log in with Kerberos.",
     .refused = "there are Basic and Digest logins (url_username, url_password), none of Kerberos"},
    {.name = "ciphers",
     .type = ArgType::list,
     .elements = ArgType::string,
     .doc = "Ciphers in OpenSSL's words.",
     .refused = "TLS 1.2 is spoken with the ciphers that are safe today, OpenSSL's names of "
                "others mean nothing here"},
    {.name = "use_proxy",
     .type = ArgType::boolean,
     .fallback = "yes",
     .doc = "Go by http_proxy, https_proxy and no_proxy of the environment."},
    {.name = "validate_certs",
     .type = ArgType::boolean,
     .fallback = "yes",
     .doc = "Refuse a server whose certificate is not trusted."},
    {.name = "client_cert",
     .type = ArgType::path,
     .doc = "PEM file with the client's certificate, and its key where client_key is absent."},
    {.name = "client_key", .type = ArgType::path, .doc = "PEM file with the client's key."},
    {.name = "use_netrc",
     .type = ArgType::boolean,
     .fallback = "yes",
     .doc = "Take user and password from ~/.netrc where the task names none."},
    {.name = "decompress",
     .type = ArgType::boolean,
     .fallback = "yes",
     .doc = "no: keep gzip that a server sends without being asked; otherwise that is a fault."},
};

constexpr Example kExamples[] = {
    {.title = "A signing key",
     .yaml = "get_url:\n  url: https://nvidia.github.io/libnvidia-container/gpgkey\n  dest: "
             "/etc/apt/keyrings/nvidia.asc\n  mode: \"0644\""},
    {.title = "A release that must have its digest",
     .yaml = "get_url:\n  url: https://example.com/tool-1.2.tar.gz\n  dest: /opt/\n  checksum: "
             "sha256:https://example.com/tool-1.2.sha256"},
};

constexpr ResultKey kResults[] = {
    {"dest", "The file that was written."},
    {"url", "The address that was asked for."},
    {"status_code", "Status of the server's answer."},
    {"msg", "The server's answer in words."},
    {"checksum_src", "SHA-1 of what was loaded."},
    {"checksum_dest", "SHA-1 of the file that was there."},
    {"md5sum", "MD5 of the file."},
    {"elapsed", "Seconds it took to load."},
    {"backup_file", "Path of the copy, when one was made."},
    {"size", "Size in bytes."},
};

/// A name that the server proposes, without any folder in it.
std::string proposed_name(const HttpResponse& answer) {
  constexpr std::string_view kStart = "attachment;";
  std::string_view value = answer.header("content-disposition");
  if (!value.starts_with(kStart)) return {};
  value = trim_left(value.substr(kStart.size()), " ");
  constexpr std::string_view kName = "filename=";
  if (!value.starts_with(kName)) return {};
  value.remove_prefix(kName.size());
  if (value.starts_with('"')) value.remove_prefix(1);
  const std::string name(base_name(value.substr(0, value.find('"'))));
  return name == "." || name == ".." ? std::string() : name;
}

std::string answer_text(const HttpResponse& answer) {
  const std::string_view length = answer.header("content-length");
  if (answer.status == 200)
    return "OK (" + (length.empty() ? std::string("unknown") : std::string(length)) + " bytes)";
  return "HTTP Error " + std::to_string(answer.status) + ": " + answer.reason;
}

/// If-Modified-Since makes the server keep what is not newer than the file there.
Result<HttpQuery> conditional_query(const Args& args, const SystemView& view, bool forced) {
  GS_TRY(HttpQuery request, http_query(args, view));
  if (forced) {
    request.headers.emplace_back("cache-control", "no-cache");
    return request;
  }
  GS_TRY(const auto now, view.stat(args.text("dest")));
  if (now && now->kind != FileKind::directory) {
    const auto time = std::chrono::system_clock::time_point(
        std::chrono::duration_cast<std::chrono::system_clock::duration>(now->modified));
    request.headers.emplace_back("If-Modified-Since", http_date(time));
  }
  return request;
}

/// Where the file goes: `dest`, or a name in it.
Result<std::string> destination(const Args& args,
                                const SystemView& view,
                                const HttpResponse& answer) {
  std::string dest = args.text("dest");
  GS_TRY(const bool folder, is_folder(view, dest));
  if (!folder) return dest;
  std::string name = proposed_name(answer);
  if (name.empty()) name = loaded_file_name(answer.url);
  return join_path(dest, name);
}

Plan named_plan(const Args& args, const std::string& dest) {
  Plan plan;
  plan.set("url", Value(args.text("url")));
  plan.set("dest", Value(dest));
  return plan;
}

/// The content stays; owner, mode and the like may differ.
Result<Plan> plan_attributes(Plan plan,
                             const Args& args,
                             const SystemView& view,
                             const std::string& dest) {
  GS_TRY(const auto now, view.lstat(dest));
  if (!now) return plan;
  AttributeDiff diff;
  GS_TRY(
      const bool differs,
      plan_file_attributes(plan, args, view, dest, *now, &diff, AttributeOptions{.follow = false}));
  if (differs) plan.diff(std::move(diff.before), std::move(diff.after));
  GS_TRY_VOID(add_present_path_info(plan, view));
  return plan;
}

Result<Plan> plan_present(const Args& args, const SystemView& view) {
  const std::string dest = args.text("dest");
  GS_TRY(Plan plan, plan_attributes(named_plan(args, dest), args, view, dest));
  plan.set(
      "msg",
      plan.changed ? "file already exists but file attributes changed" : "file already exists");
  return plan;
}

Plan foreseen_load(Plan plan, const Args& args, const std::string& dest) {
  plan.changed = true;
  plan.diff(Value::map({{"path", Value(dest)}}),
            Value::map({{"path", Value(dest)}, {"src", Value(shown_url(args.text("url")))}}));
  return plan;
}

/// A dry run asks for the header only.
Result<Plan> foresee(const Args& args, const SystemView& view, bool forced) {
  GS_TRY(HttpQuery request, conditional_query(args, view, forced));
  request.header_only = true;
  GS_TRY(const HttpResponse answer, view.http(request));
  if (answer.status != 304 && answer.status != 200) {
    return Error(ErrorCode::module_failed,
                 "'" + shown_url(request.url) + "' answers with " + std::to_string(answer.status) +
                     " " + answer.reason)
        .hint("a dry run asks with HEAD, which some servers refuse");
  }
  GS_TRY(const std::string dest, destination(args, view, answer));
  Plan plan = named_plan(args, dest);
  plan.set("status_code", Value(answer.status));
  plan.set("msg", Value(answer_text(answer)));
  if (answer.status == 304) return plan_attributes(std::move(plan), args, view, dest);
  return foreseen_load(std::move(plan), args, dest);
}

/// A file of the host, as if a server had sent it.
Result<HttpResponse> file_answer(const Args& args,
                                 const SystemView& view,
                                 const std::string& source) {
  GS_TRY(const auto info, view.stat(source));
  if (!info) return Error(ErrorCode::module_failed, "the file '" + source + "' does not exist");
  if (info->kind != FileKind::regular) {
    return Error(ErrorCode::module_failed,
                 "'" + source + "' cannot be loaded: expected a regular file");
  }
  HttpResponse answer;
  answer.status = 200;
  answer.size = info->size;
  answer.headers = {{"content-length", std::to_string(info->size)}};
  answer.url = args.text("url");
  return answer;
}

Result<Plan> foresee_file(const Args& args, const SystemView& view, const std::string& source) {
  GS_TRY(const HttpResponse answer, file_answer(args, view, source));
  GS_TRY(const std::string dest, destination(args, view, answer));
  Plan plan = named_plan(args, dest);
  plan.set("msg", Value(answer_text(answer)));
  GS_TRY(const std::string loaded, view.hash(source, Algorithm::sha1));
  plan.set("checksum_src", Value(loaded));
  plan.set("checksum_dest", Value());
  GS_TRY(const auto now, view.stat(dest));
  if (!now) return foreseen_load(std::move(plan), args, dest);
  GS_TRY(const std::string present, view.hash(dest, Algorithm::sha1));
  plan.set("checksum_dest", Value(present));
  if (present != loaded) return foreseen_load(std::move(plan), args, dest);
  return plan_attributes(std::move(plan), args, view, dest);
}

Result<Plan> plan(const Args& args, const SystemView& view) {
  GS_TRY_VOID(http_query(args, view));
  GS_TRY(const auto source, file_of_url(args.text("url")));
  if (!source) GS_TRY_VOID(parse_url(args.text("url")));
  GS_TRY(const LoadedChecksum wanted, wanted_checksum(args, view));
  const std::string dest = args.text("dest");
  bool forced = args.boolean("force");
  GS_TRY(const auto now, view.stat(dest));
  const bool is_file = now && now->kind != FileKind::directory;
  if (is_file && !forced && !wanted.digest.empty()) {
    GS_TRY(const std::string present, view.hash(dest, wanted.algorithm));
    if (present == wanted.digest) return plan_present(args, view);
    // The server's file may be older than a broken one here.
    forced = true;
  }
  if (view.check_mode())
    return source ? foresee_file(args, view, *source) : foresee(args, view, forced);
  if (source) GS_TRY_VOID(file_answer(args, view, *source));
  Plan plan = Plan::change();
  plan.state = Value::map({{"args", args.values()},
                           {"forced", Value(forced)},
                           {"algorithm", Value(static_cast<int>(wanted.algorithm))},
                           {"digest", Value(wanted.digest)}});
  return plan;
}

/// Loads into `temporary` and puts it in place.
class Download {
 public:
  Download(const Plan& plan, System& system, std::string temporary)
      : plan_(plan),
        args_(plan.state.get("args")),
        system_(system),
        temporary_(std::move(temporary)) {
    outcome_.result = plan.result;
  }

  Result<Outcome> run() {
    set("url", Value(args_.text("url")));
    set("dest", Value(args_.text("dest")));
    const auto started = system_.steady_now();
    GS_TRY(const HttpResponse answer, load());
    set("elapsed",
        Value(std::chrono::duration_cast<std::chrono::seconds>(system_.steady_now() - started)
                  .count()));
    set("msg", Value(answer_text(answer)));
    if (answer.status == 304) {
      GS_TRY_VOID(attributes(args_.text("dest")));
      return std::move(outcome_);
    }
    if (answer.status != 200) {
      set("response", outcome_.result.get("msg"));
      set("msg", "Request failed");
      outcome_.failed = true;
      return std::move(outcome_);
    }
    GS_TRY_VOID(put(answer));
    return std::move(outcome_);
  }

 private:
  void set(std::string_view key, Value value) { outcome_.result.set(key, std::move(value)); }

  Result<HttpResponse> load() {
    GS_TRY(const auto source, file_of_url(args_.text("url")));
    if (source) {
      GS_TRY(HttpResponse answer, file_answer(args_, system_, *source));
      WriteOptions options;
      options.mode = 0600;
      options.follow = false;
      options.fsync = false;
      GS_TRY_VOID(system_.copy_file(*source, temporary_, options));
      // Only servers have one.
      set("status_code", Value());
      return answer;
    }
    GS_TRY(HttpQuery request,
           conditional_query(args_, system_, plan_.state.get("forced").truthy()));
    GS_TRY(HttpResponse answer, system_.download(HttpRequest(std::move(request)), temporary_));
    set("status_code", Value(answer.status));
    return answer;
  }

  /// Checked before anything is replaced: a wrong file never takes the place of a right one.
  Result<void> check_digest() const {
    const std::string wanted = to_text(plan_.state.get("digest"));
    if (wanted.empty()) return {};
    const auto algorithm = static_cast<Algorithm>(plan_.state.get("algorithm").as_integer());
    GS_TRY(const std::string loaded, system_.hash(temporary_, algorithm));
    if (loaded == wanted) return {};
    return Error(ErrorCode::module_failed,
                 "'" + shown_url(args_.text("url")) + "' has the checksum " + loaded +
                     ", expected " + wanted);
  }

  Result<void> put(const HttpResponse& answer) {
    GS_TRY(const std::string dest, destination(args_, system_, answer));
    set("dest", Value(dest));
    set("src", Value(temporary_));
    GS_TRY_VOID(check_digest());
    GS_TRY(const std::string loaded, system_.hash(temporary_, Algorithm::sha1));
    set("checksum_src", Value(loaded));
    set("checksum_dest", Value());
    GS_TRY(const auto now, system_.stat(dest));
    bool same = false;
    if (now) {
      GS_TRY(const std::string present, system_.hash(dest, Algorithm::sha1));
      set("checksum_dest", Value(present));
      same = present == loaded;
    } else {
      GS_TRY(const bool parent, is_folder(system_, parent_folder(dest)));
      if (!parent)
        return Error(ErrorCode::module_failed,
                     "the destination folder '" + parent_folder(dest) + "' does not exist");
    }
    if (!same) GS_TRY_VOID(replace(dest, now));
    GS_TRY_VOID(attributes(dest));
    GS_TRY(std::string md5, system_.hash(dest, Algorithm::md5));
    set("md5sum", Value(std::move(md5)));
    return {};
  }

  Result<void> replace(const std::string& dest, const std::optional<FileInfo>& now) {
    GS_TRY(WriteOptions options, write_options(args_, system_, now));
    options.follow = false;
    options.backup = options.backup && now.has_value();
    if (!options.mode) options.mode = now ? now->mode : new_file_info(system_).mode;
    if (now && !options.owner.uid) options.owner.uid = now->uid;
    if (now && !options.owner.gid) options.owner.gid = now->gid;
    GS_TRY(const WriteReport report, system_.copy_file(temporary_, dest, options));
    if (!report.backup_file.empty()) set("backup_file", Value(report.backup_file));
    outcome_.changed = true;
    return {};
  }

  Result<void> attributes(const std::string& dest) {
    GS_TRY(const auto now, system_.lstat(dest));
    if (!now) return {};
    Plan more;
    GS_TRY(const bool differs,
           plan_file_attributes(
               more, args_, system_, dest, *now, nullptr, AttributeOptions{.follow = false}));
    GS_TRY_VOID(apply_steps(more, system_));
    outcome_.changed = outcome_.changed || differs;
    return add_path_info(outcome_.result, system_, dest);
  }

  const Plan& plan_;
  Args args_;
  System& system_;
  std::string temporary_;
  Outcome outcome_;
};

Result<Outcome> apply(const Plan& plan, System& system) {
  if (plan.state.is_null()) return apply_with_path_info(plan, system);
  const Args args(plan.state.get("args"));
  GS_TRY(const std::string temporary,
         system.make_temporary(args.text("tmp_dest"), "get_url.", "", FileKind::regular));
  auto outcome = Download(plan, system, temporary).run();
  const auto removed = system.remove_file(temporary);
  if (outcome && !removed) return removed.error();
  return outcome;
}

}  // namespace

extern const ModuleSpec get_url_module;
const ModuleSpec get_url_module{.name = "get_url",
                                .summary = "Load a file from a web server.",
                                .args = kArgs,
                                .examples = kExamples,
                                .results = kResults,
                                .has_diff = true,
                                .file_arguments = true,
                                .plan = plan,
                                .apply = apply};

}  // namespace gpustack::modules
