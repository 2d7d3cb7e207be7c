// random, shuffle, random_mac
#include "core/jinja/random.hpp"

#include "core/jinja/digest.hpp"
#include "core/jinja/filters/tables.hpp"
#include "core/jinja/operators.hpp"
#include "core/jinja/render.hpp"
#include "core/jinja/text.hpp"

#include <random>

namespace gpustack::jinja {

namespace {

/// Chooses by the seed when there is one, else by the system's random source.
class Chooser {
 public:
  explicit Chooser(const Value& seed) {
    if (!seed.is_null()) seeded_.emplace(seed);
  }
  std::uint64_t below(std::uint64_t limit) {
    if (seeded_) return seeded_->below(limit);
    return std::uniform_int_distribution<std::uint64_t>(0, limit - 1)(device_);
  }

 private:
  std::optional<PythonRandom> seeded_;
  std::random_device device_;
};

Result<Value> random(Invocation& call) {
  Chooser chooser(call.arg(2));
  if (call.input.is_integer()) {
    GS_TRY(const std::int64_t start, call.integer(0, 0));
    GS_TRY(std::int64_t stride, call.integer(1, 1));
    if (stride == 0) stride = 1;
    const std::int64_t width = call.input.as_integer() - start;
    const std::int64_t count =
        stride > 0 ? (width + stride - 1) / stride : (width + stride + 1) / stride;
    if (count <= 0)
      return call.fail("has nothing to choose from between " + std::to_string(start) + " and " +
                       to_text(call.input));
    return Value(start + stride * static_cast<std::int64_t>(
                                      chooser.below(static_cast<std::uint64_t>(count))));
  }
  if (call.has(0) && call.arg(0).truthy())
    return call.fail("takes start and step with numbers only");
  GS_TRY(const List items, call.input_items());
  if (items.empty()) return call.fail("has nothing to choose from: the list is empty");
  return items[chooser.below(items.size())];
}

Result<Value> shuffle(Invocation& call) {
  auto items = call.input_items();
  if (!items) return call.input;
  Chooser chooser(call.arg(0).truthy() ? call.arg(0) : Value());
  for (std::size_t i = items->size(); i-- > 1;)
    std::swap((*items)[i], (*items)[chooser.below(i + 1)]);
  return Value(std::move(*items));
}

Result<Value> random_mac(Invocation& call) {
  GS_TRY(const std::string prefix, call.input_text());
  std::string out = lower(prefix);
  if (out.empty() || out.size() > 15)
    return call.fail("expected 1 to 5 hexadecimal pairs, found '" + prefix + "'");
  Chooser chooser(call.arg(0));
  constexpr std::string_view kDigits = "0123456789abcdef";
  while (out.size() < 17) {
    if (!out.ends_with(':')) out += ':';
    out += kDigits[chooser.below(16)];
    out += kDigits[chooser.below(16)];
  }
  return Value(std::move(out));
}

constexpr FilterRow kRows[] = {
    {"random", random, "start step seed", Marks::elements},
    {"shuffle", shuffle, "seed", Marks::elements},
    {"random_mac", random_mac, "seed"},
};

}  // namespace

FilterTable random_filters() { return kRows; }

}  // namespace gpustack::jinja
