// The two palettes and the meaning colours as tables.
#include "inspector/views/common/theme.h"

#include <QApplication>
#include <QFont>
#include <QFontDatabase>
#include <QPalette>
#include <QStyleFactory>

namespace orrery::inspector {
namespace {

struct PaletteEntry {
    QPalette::ColorRole role;
    QRgb light, dark;
};

constexpr PaletteEntry palette_table[] = {
    { QPalette::Window, 0xfff1f3f6, 0xff1f242b },
    { QPalette::WindowText, 0xff1b232d, 0xffe4e8ed },
    { QPalette::Base, 0xffffffff, 0xff171b20 },
    { QPalette::AlternateBase, 0xfff7f8fa, 0xff1b2026 },
    { QPalette::Text, 0xff1b232d, 0xffe4e8ed },
    { QPalette::Button, 0xffe9ecf0, 0xff2a313a },
    { QPalette::ButtonText, 0xff1b232d, 0xffe4e8ed },
    { QPalette::BrightText, 0xffffffff, 0xffffffff },
    { QPalette::Light, 0xffffffff, 0xff3b444f },
    { QPalette::Midlight, 0xffe3e7ec, 0xff2e353f },
    { QPalette::Mid, 0xffc5ccd5, 0xff3c4550 },
    { QPalette::Dark, 0xff9aa4b0, 0xff12161a },
    { QPalette::Shadow, 0xff6d7681, 0xff000000 },
    { QPalette::Highlight, 0xff0072b2, 0xff1f6fa5 },
    { QPalette::HighlightedText, 0xffffffff, 0xffffffff },
    { QPalette::Link, 0xff00629a, 0xff6cc0f0 },
    { QPalette::LinkVisited, 0xff7a3f66, 0xffd9a1c4 },
    { QPalette::ToolTipBase, 0xff1f2730, 0xffe9edf2 },
    { QPalette::ToolTipText, 0xfff4f6f9, 0xff1b232d },
    { QPalette::PlaceholderText, 0xff5d6875, 0xff98a3b0 },
};
constexpr QRgb disabled_text_light = 0xff98a1ac, disabled_text_dark = 0xff66707c;

struct MeaningEntry {
    ColorRole role;
    QRgb light, dark;
};

// Okabe-Ito: orange e69f00, sky blue 56b4e9, bluish green 009e73, yellow f0e442, blue 0072b2, vermilion d55e00,
// reddish purple cc79a7. Where one of them is too faint on the base colour, its darker or lighter neighbour stands.
constexpr MeaningEntry meaning_table[] = {
    { ColorRole::pending, 0xffe69f00, 0xffe69f00 },
    { ColorRole::process, 0xffb5608f, 0xffb5608f },
    { ColorRole::allowed, 0xff0072b2, 0xff56b4e9 },
    { ColorRole::blocked, 0xffd55e00, 0xffe8762a },
    { ColorRole::deliverable, 0xff009e73, 0xff14b88a },
    { ColorRole::producer, 0xffd55e00, 0xffe8762a },
    { ColorRole::consumer, 0xff0072b2, 0xff56b4e9 },
    { ColorRole::changed, 0xfff0e442, 0xffe69f00 },
    { ColorRole::current, 0xff00845f, 0xff14b88a },
    { ColorRole::problem, 0xffc25400, 0xfff0853c },
    { ColorRole::keyword, 0xff0067a1, 0xff7cc6f2 },
    { ColorRole::comment, 0xff5f6b78, 0xff8f9aa7 },
    { ColorRole::literal, 0xff8a4a00, 0xffe8b04a },
};

bool desktop_is_dark()
{
    static const bool dark = [] {
        // The palette that the platform's theme gave us, before ours; and the variable that GTK desktops set.
        if (is_dark(QApplication::palette())) return true;
        return qEnvironmentVariable("GTK_THEME").contains(QLatin1String("dark"), Qt::CaseInsensitive);
    }();
    return dark;
}

} // namespace

QPalette theme_palette(bool dark)
{
    QPalette palette;
    for (const auto& entry : palette_table) palette.setColor(entry.role, QColor(dark ? entry.dark : entry.light));
    const QColor disabled(dark ? disabled_text_dark : disabled_text_light);
    for (const auto role : { QPalette::WindowText, QPalette::Text, QPalette::ButtonText, QPalette::PlaceholderText })
        palette.setColor(QPalette::Disabled, role, disabled);
    palette.setColor(QPalette::Disabled, QPalette::Highlight, palette.color(QPalette::Mid));
    palette.setColor(QPalette::Inactive, QPalette::Highlight,
        blended(palette.color(QPalette::Highlight), palette.color(QPalette::Base), 0.75));
    return palette;
}

bool is_dark(const QPalette& palette) { return palette.color(QPalette::Base).lightness() < 128; }

QColor theme_color(ColorRole role, const QPalette& palette)
{
    for (const auto& entry : meaning_table)
        if (entry.role == role) return QColor(is_dark(palette) ? entry.dark : entry.light);
    return palette.color(QPalette::Text);
}

QColor blended(const QColor& over, const QColor& under, qreal opacity)
{
    const auto mix = [&](int a, int b) { return static_cast<int>(a * opacity + b * (1 - opacity) + 0.5); };
    return QColor(mix(over.red(), under.red()), mix(over.green(), under.green()), mix(over.blue(), under.blue()));
}

void apply_theme(Theme theme)
{
    const bool system_dark = desktop_is_dark(); // asked first: after setPalette the answer would be our own
    QApplication::setPalette(theme_palette(theme == Theme::system ? system_dark : theme == Theme::dark));
}

Theme theme_from_name(const QString& name)
{
    if (name == QLatin1String("light")) return Theme::light;
    return name == QLatin1String("dark") ? Theme::dark : Theme::system;
}

QString theme_name(Theme theme)
{
    switch (theme) {
    case Theme::light: return QStringLiteral("light");
    case Theme::dark: return QStringLiteral("dark");
    case Theme::system: break;
    }
    return QStringLiteral("system");
}

QFont fixed_font(const QFont& like)
{
    auto font = QFontDatabase::systemFont(QFontDatabase::FixedFont);
    if (like.pointSizeF() > 0)
        font.setPointSizeF(like.pointSizeF());
    else
        font.setPixelSize(like.pixelSize());
    return font;
}

} // namespace orrery::inspector
