// Colours: the light and the dark palette, and the few colours with a meaning, all from Okabe and Ito's set.
#pragma once

#include <QColor>
#include <QString>

class QPalette;
class QFont;

namespace orrery::inspector {

enum class Theme { system, light, dark };

// Every role has a shape, a mark or a word as well: colour is never the only sign.
enum class ColorRole {
    pending,     // orange: sent, not handled
    process,     // reddish purple: sent to the whole process
    allowed,     // blue: let through
    blocked,     // vermilion: kept back
    deliverable, // bluish green
    producer,    // vermilion
    consumer,    // blue
    changed,     // yellow (light) or orange (dark): behind text
    current,     // bluish green: where the machine is
    problem,     // vermilion
    keyword, comment, literal, // of source code
};

QPalette theme_palette(bool dark);
// Readable on `palette`'s base colour.
QColor theme_color(ColorRole role, const QPalette& palette);
bool is_dark(const QPalette& palette);
QColor blended(const QColor& over, const QColor& under, qreal opacity);

// Sets the application's palette. `system` keeps the desktop's choice between light and dark, with our colours.
void apply_theme(Theme theme);
Theme theme_from_name(const QString& name); // "light", "dark", anything else: system
QString theme_name(Theme theme);

// The system's fixed-pitch font in the size of `like`.
QFont fixed_font(const QFont& like);

} // namespace orrery::inspector
