#include "core/gpu/checks.hpp"
#include "core/gpu/image_check.hpp"
#include "core/gpu/probe_results.hpp"
#include "modules/sdk/text.hpp"

namespace gpustack::gpu::checks {

namespace {

const std::string kRuntimeRole = "apply the role containers/runtime";

/// The last line that says something, without a GPU's own number.
std::string last_words(const Value& result) {
  std::string last;
  for (const char* stream : {"stdout", "stderr"}) {
    for (const std::string& line : modules::split_lines(fact_text(result, stream))) {
      if (!modules::trim(line).empty()) last = std::string(modules::trim(line));
    }
  }
  if (const auto at = last.find(" (UUID:"); at != std::string::npos) last.resize(at);
  return last;
}

/// The verdict on one image; the worst of all decides the check.
Finding judge_one(const CheckInput& input, const std::string& name) {
  const Value& here = input.images.get(name);
  const Value& told = here.is_map() ? here : probe_answer(input, "image:" + name);
  if (!told.is_map()) return skip(kNotAsked);
  if (told.get("failed").truthy()) {
    return warn("'" + name + "': " + fact_text(told, "msg"),
                "an image whose platforms can be found out",
                "put it where the host finds it, or name another one");
  }
  if (!told.get("found").truthy())
    return fail("there is no image '" + name + "'", "one", "look at its name and tag");
  const ImageAnswer image{
      name, fact_text(told, "source"), fact_text(told, "digest"), fact_list(told, "platforms"), {}};
  const auto verdict = judge_image(
      image, {input.host.host, fact_text(input.platform(), "oci_platform"), input.platform()});
  if (!verdict) return warn("'" + name + "': " + verdict.error().message(), "a platform", "");
  if (verdict->status == "fail")
    return fail(verdict->message, "one for " + verdict->platform, verdict->remedy);
  if (verdict->status == "warn")
    return warn("'" + name + "': " + verdict->message, "an image for this platform", "");
  return pass("'" + name + "' runs on " + verdict->platform);
}

}  // namespace

Finding images(const CheckInput& input) {
  if (input.wishes.images.empty()) return skip("none asked for (--image, --compose)");
  Finding worst = pass("");
  std::size_t good = 0;
  for (const std::string& name : input.wishes.images) {
    Finding one = judge_one(input, name);
    if (one.status == CheckStatus::pass) ++good;
    const auto weight = [](CheckStatus status) {
      return status == CheckStatus::fail   ? 3
             : status == CheckStatus::warn ? 2
             : status == CheckStatus::skip ? 1
                                           : 0;
    };
    if (weight(one.status) > weight(worst.status)) {
      worst = std::move(one);
    } else if (worst.status == CheckStatus::fail && one.status == CheckStatus::fail) {
      worst.found += "; " + one.found;
    }
  }
  if (worst.status != CheckStatus::pass) return worst;
  return pass(std::to_string(good) + " run on " + fact_text(input.platform(), "oci_platform"));
}

Finding container(const CheckInput& input) {
  const std::string& image = input.wishes.container;
  if (image.empty()) return skip("not asked for (--container IMAGE)");
  if (!was_asked(input)) return skip(kNotAsked);
  const Value& looked = probe_answer(input, "container_image");
  if (!looked.is_map()) return skip("neither Docker nor Podman");
  if (looked.get("failed").truthy()) {
    const bool is_missing = fact_text(looked, "rc") == "1" || fact_text(looked, "rc") == "125";
    return warn(is_missing ? "'" + image + "' is not on this host"
                           : "the engine does not answer: " + last_words(looked),
                "an image that is there: nothing is fetched",
                "pull it, or name one that is there");
  }
  const Value& ran = probe_answer(input, "container");
  if (!ran.is_map()) return skip("there is no GPU");
  const std::string said = last_words(ran);
  if (!ran.get("failed").truthy())
    return pass("a container of '" + image + "' has it" + (said.empty() ? "" : ": " + said));
  return fail("a container of '" + image +
                  "' does not find it: " + (said.empty() ? fact_text(ran, "msg") : said),
              "the GPU",
              kRuntimeRole);
}

}  // namespace gpustack::gpu::checks
