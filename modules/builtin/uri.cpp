#include "modules/builtin/support/command_result.hpp"
#include "modules/builtin/support/file_state.hpp"
#include "modules/builtin/support/web_call.hpp"

namespace gpustack::modules {

namespace {

constexpr ArgSpec kArgs[] = {
    {.name = "url", .required = true, .doc = "Address to ask: http or https."},
    {.name = "method", .fallback = "GET", .doc = "HTTP method, such as GET, POST or PUT."},
    {.name = "body",
     .type = ArgType::raw,
     .doc = "What to send: text, or data that body_format writes."},
    {.name = "body_format",
     .fallback = "raw",
     .choices = "form-urlencoded,json,raw,form-multipart",
     .doc = "How body is written; all but raw set Content-Type."},
    {.name = "src",
     .type = ArgType::path,
     .doc = "File to send in place of body; of the controller unless remote_src is set."},
    {.name = "remote_src",
     .type = ArgType::boolean,
     .fallback = "no",
     .doc = "src, and the files of form-multipart, are on the host."},
    {.name = "headers", .type = ArgType::map, .doc = "Headers to send.", .empty_fallback = true},
    {.name = "status_code",
     .type = ArgType::list,
     .elements = ArgType::integer,
     .fallback = "200",
     .doc = "Statuses that are no failure."},
    {.name = "return_content",
     .type = ArgType::boolean,
     .fallback = "no",
     .doc = "Whether the result has the body of the answer as `content`."},
    {.name = "dest",
     .type = ArgType::path,
     .doc = "File for the body of the answer, or a folder that keeps the name the server gives."},
    {.name = "creates", .type = ArgType::path, .doc = "Nothing is sent when this path exists."},
    {.name = "removes",
     .type = ArgType::path,
     .doc = "Nothing is sent when this path does not exist."},
    {.name = "follow_redirects",
     .fallback = "safe",
     .choices = "all,no,none,safe,urllib2,yes",
     .doc = "Which redirects are followed: `safe` those of GET and HEAD, `all` (`yes`), `none` "
            "(`no`), or `urllib2` for GET, HEAD and POST."},
    {.name = "force",
     .type = ArgType::boolean,
     .fallback = "no",
     .doc = "Ask caches for a fresh answer, also when dest exists."},
    {.name = "timeout",
     .type = ArgType::integer,
     .fallback = "30",
     .doc = "Seconds of silence after which the server is given up."},
    {.name = "http_agent", .fallback = "ansible-httpget", .doc = "What to send as User-Agent."},
    {.name = "url_username", .aliases = "user", .doc = "User for Basic or Digest authentication."},
    {.name = "url_password",
     .aliases = "password",
     .is_secret = true,
     .doc = "Password for Basic or Digest authentication."},
    {.name = "force_basic_auth",
     .type = ArgType::boolean,
     .fallback = "no",
     .doc = "Send user and password with the first request."},
    {.name = "use_gssapi",
     .type = ArgType::boolean,
     .fallback = "no",
     .doc = "Log in with Kerberos.",
     .refused = "there are Basic and Digest logins (url_username, url_password), none of Kerberos"},
    {.name = "use_netrc",
     .type = ArgType::boolean,
     .fallback = "yes",
     .doc = "Take user and password from ~/.netrc where the task names none."},
    {.name = "unredirected_headers",
     .type = ArgType::list,
     .elements = ArgType::string,
     .doc = "Names of headers that redirects do not take along.",
     .empty_fallback = true},
    {.name = "use_proxy",
     .type = ArgType::boolean,
     .fallback = "yes",
     .doc = "Go by http_proxy, https_proxy and no_proxy of the environment."},
    {.name = "unix_socket",
     .type = ArgType::path,
     .doc = "Socket of the host to connect to, whatever the address says."},
    {.name = "validate_certs",
     .type = ArgType::boolean,
     .fallback = "yes",
     .doc = "Refuse a server whose certificate is not trusted."},
    {.name = "ca_path",
     .type = ArgType::path,
     .doc = "PEM file of authorities in place of the host's."},
    {.name = "client_cert",
     .type = ArgType::path,
     .doc = "PEM file with the client's certificate, and its key where client_key is absent."},
    {.name = "client_key", .type = ArgType::path, .doc = "PEM file with the client's key."},
    {.name = "ciphers",
     .type = ArgType::list,
     .elements = ArgType::string,
     .doc = "Ciphers in OpenSSL's words.",
     .refused = "TLS 1.2 is spoken with the ciphers that are safe today, OpenSSL's names of "
                "others mean nothing here"},
    {.name = "decompress",
     .type = ArgType::boolean,
     .fallback = "yes",
     .doc = "Unpack an answer that comes as gzip."},
    {.name = "_content", .type = ArgType::raw, .doc = "Content of src, added by the controller."},
};

constexpr ArgRule kRules[] = {
    {.kind = ArgRule::Kind::mutually_exclusive, .names = "body,src"},
};

constexpr Example kExamples[] = {
    {.title = "Wait for a service",
     .yaml = "uri:\n  url: http://127.0.0.1:8000/v1/models\nregister: models\nuntil: models.status "
             "== 200\nretries: 60\ndelay: 5"},
    {.title = "Send JSON",
     .yaml = "uri:\n  url: https://api.example.com/nodes\n  method: POST\n  body_format: json\n  "
             "body:\n    name: node1\n    gpus: 8\n  status_code: [200, 201]"},
    {.title = "Ask a daemon behind a socket",
     .yaml = "uri:\n  url: http://localhost/version\n  unix_socket: /var/run/docker.sock\n  "
             "return_content: true"},
};

constexpr ResultKey kResults[] = {
    {"status", "Status of the answer; -1 when there was none."},
    {"msg", "The answer in words."},
    {"url", "The address that answered."},
    {"redirected", "Whether that is another than asked for."},
    {"elapsed", "Seconds it took."},
    {"content", "Body of the answer, with return_content."},
    {"json", "The body as data, when it is JSON."},
    {"cookies", "Cookies that were set, by name."},
    {"cookies_string", "The same as a Cookie header has them."},
    {"location", "Where an answer redirects to."},
    {"path", "The file that was written, with dest."},
    {"HEADER", "Each header of the answer: lower case, `_` in place of `-`."},
};

Plan passed_over(const std::string& why) {
  Plan plan;
  set_output(plan.result, why, "");
  return plan;
}

Result<Plan> plan(const Args& args, const SystemView& view) {
  GS_TRY_VOID(check_web_call(args, view));
  if (args.has("creates")) {
    GS_TRY(const bool exists, path_exists(view, args.text("creates")));
    if (exists) return passed_over("skipped, since '" + args.text("creates") + "' exists");
  }
  if (args.has("removes")) {
    GS_TRY(const bool exists, path_exists(view, args.text("removes")));
    if (!exists) return passed_over("skipped, since '" + args.text("removes") + "' does not exist");
  }
  Plan plan;
  plan.state = args.values();
  return plan;
}

Result<Outcome> apply(const Plan& plan, System& system) {
  if (plan.state.is_null()) return apply_steps(plan, system);
  return web_call(Args(plan.state), system);
}

}  // namespace

extern const ModuleSpec uri_module;
const ModuleSpec uri_module{.name = "uri",
                            .summary = "Ask a web service.",
                            .args = kArgs,
                            .rules = kRules,
                            .examples = kExamples,
                            .results = kResults,
                            .place = Place::both,
                            .check = CheckSupport::none,
                            .file_arguments = true,
                            .plan = plan,
                            .apply = apply};

}  // namespace gpustack::modules
