// The small sign on every view that says how far its picture may be trusted: a shape, a word, and a colour.
#pragma once

#include <QWidget>

#include "inspector/core/osmodel/snapshot.h"

namespace orrery::inspector {

class Badge : public QWidget {
    Q_OBJECT
public:
    explicit Badge(QWidget* parent = nullptr);
    void show_freshness(Freshness freshness, bool any); // any = false: there is no picture at all
    QString word() const { return word_; }

    QSize sizeHint() const override;
    QSize minimumSizeHint() const override { return sizeHint(); }

protected:
    void paintEvent(QPaintEvent* event) override;

private:
    QString word_;
    Freshness freshness_ = Freshness::stale;
    bool any_ = false;
};

// "live", "stopped", "stale", "torn".
QString freshness_word(Freshness freshness);

} // namespace orrery::inspector
