/* See measures.h. The parts sum what needs the pixels; here the measures follow from the sums, in double and
 * in the order of models/measures.py. */
#include "measures_parts.h"

#include <math.h>
#include <string.h>

/* The columns, in the order of models/measure_table.py. */
enum {
    AREA, MEAN, STDDEV, MODE, MIN, MAX, X, Y, XM, YM, PERIM, BX, BY, WIDTH, HEIGHT, MAJOR, MINOR, ANGLE,
    CIRC, FERET, INTDEN, MEDIAN, SKEW, KURT, PERCENT_AREA, XSTART, YSTART, AREA_EXC, HISTCUM1, HISTCUM2,
    HISTCUM3, CONVPERIM, CONVAREA, ESD, ELONGATION, RANGE, MEANPOS, CENTROIDS, CV, SR, PERIMAREAEXC,
    FERETAREAEXC, PERIMFERET, PERIMMAJOR, CIRCEX, CDEXC, KURT_MEAN, SKEW_MEAN, CONVPERIM_PERIM,
    CONVAREA_AREA, MEDIAN_MEAN, MEDIAN_MEAN_RANGE, SOLIDITY, EXTENT, ECCENTRICITY, BOUNDING_BOX_AREA,
    BLUR_LAPLACIAN, HU, /* 7 of them */
    EULER_NUMBER = HU + 7, NUMBLOBS, FERET_MIN, ASPECT_RATIO, SLOPE, GREY_HU, /* 7 of them */
    FRACTAL = GREY_HU + 7, SYMETRIEH, SYMETRIEV, SYMETRIEH_AREA, SYMETRIEV_AREA, SKELAREA, SKELETON_AREA,
    THICKR, INSCRIBED,
    COLUMNS
};

typedef char one_column_for_each_measure[(int)COLUMNS == (int)SEADRIFT_MEASURES_COUNT ? 1 : -1];

static const double PI = 3.14159265358979323846;

int32_t seadrift_measures_version(void) { return SEADRIFT_MEASURES_VERSION; }

/* --- room */

/* Room for so many bytes at a multiple of 32, or NULL. What is needed is counted in either case. */
void *seadrift_take(seadrift_room *room, int64_t bytes)
{
    bytes = (bytes + 31) / 32 * 32;
    room->needed += bytes;
    if (!room->next || bytes > room->left) {
        room->next = NULL;
        return NULL;
    }
    void *taken = room->next;
    room->next += bytes;
    room->left -= bytes;
    return taken;
}

/* --- rasters */

static int32_t mirrored(int32_t i, int32_t size) { return size == 1 ? 0 : i < 0 ? 1 : i < size ? i : size - 2; }

static void draw_picture(seadrift_measured *o)
{
    for (int32_t y = -1; y <= o->height; y++) {
        const uint8_t *from = o->signal + (int64_t)mirrored(y, o->height) * o->width;
        uint8_t *to = o->picture + y * o->stride;
        memcpy(to, from, (size_t)o->width);
        to[-1] = from[mirrored(-1, o->width)];
        to[o->width] = from[mirrored(o->width, o->width)];
    }
}

static void draw_filled(seadrift_measured *o)
{
    memset(o->filled - o->stride - 1, 0, (size_t)((o->height + 2) * o->stride));
    for (int32_t y = o->top; y < o->bottom; y++)
        for (int32_t i = o->rows[y]; i < o->rows[y + 1]; i++)
            memset(o->filled + y * o->stride + o->spans[i].x0, 1, (size_t)(o->spans[i].x1 - o->spans[i].x0));
}

/* --- what follows from the sums */

static double over(double top, double bottom) { return bottom != 0 ? top / bottom : 0; }

typedef struct {
    double mass, x, y; /* centroid, from the middle of the extent */
    double mu20, mu11, mu02;
    double hu[7];
} central;

/* Central moments, and Hu's invariants in OpenCV's order of operations. */
static void centre(const seadrift_moments *m, central *c)
{
    double s00 = (double)m->s[0][0], s10 = (double)m->s[1][0], s01 = (double)m->s[0][1];
    double s20 = (double)m->s[2][0], s11 = (double)m->s[1][1], s02 = (double)m->s[0][2];
    double s30 = (double)m->s[3][0], s21 = (double)m->s[2][1], s12 = (double)m->s[1][2];
    double s03 = (double)m->s[0][3];
    memset(c, 0, sizeof *c);
    c->mass = s00;
    if (s00 == 0)
        return;
    double x = s10 / s00, y = s01 / s00;
    c->x = x;
    c->y = y;
    c->mu20 = s20 - x * s10;
    c->mu11 = s11 - x * s01;
    c->mu02 = s02 - y * s01;
    double mu30 = s30 - x * (3 * s20 - 2 * x * s10);
    double mu21 = s21 - 2 * x * (s11 - x * s01) - y * s20;
    double mu12 = s12 - 2 * y * (s11 - y * s10) - x * s02;
    double mu03 = s03 - y * (3 * s02 - 2 * y * s01);
    double second = s00 * s00, third = second * sqrt(s00);
    double n20 = c->mu20 / second, n11 = c->mu11 / second, n02 = c->mu02 / second;
    double n30 = mu30 / third, n21 = mu21 / third, n12 = mu12 / third, n03 = mu03 / third;
    double t0 = n30 + n12, t1 = n21 + n03, q0 = t0 * t0, q1 = t1 * t1;
    double n4 = 4 * n11, s = n20 + n02, d = n20 - n02;
    c->hu[0] = s;
    c->hu[1] = d * d + n4 * n11;
    c->hu[3] = q0 + q1;
    c->hu[5] = d * (q0 - q1) + n4 * t0 * t1;
    t0 = t0 * (q0 - 3 * q1);
    t1 = t1 * (3 * q0 - q1);
    q0 = n30 - 3 * n12;
    q1 = 3 * n21 - n03;
    c->hu[2] = q0 * q0 + q1 * q1;
    c->hu[4] = q0 * t0 + q1 * t1;
    c->hu[6] = q1 * t0 - q0 * t1;
}

static void from_ellipse(const central *c, double *t)
{
    double twelfth = 1.0 / 12;
    double xx = c->mu20 / t[AREA] + twelfth, yy = c->mu02 / t[AREA] + twelfth, xy = c->mu11 / t[AREA];
    double half_sum = (xx + yy) / 2, half_gap = (xx - yy) / 2;
    half_gap = sqrt(half_gap * half_gap + xy * xy);
    double large = half_sum + half_gap, small = half_sum - half_gap;
    if (!(small > 1e-9))
        small = 1e-9;
    double scale = sqrt(4 * t[AREA] / PI), ratio = sqrt(sqrt(large / small));
    t[MAJOR] = scale * ratio;
    t[MINOR] = scale / ratio;
    t[ECCENTRICITY] = sqrt(1 - small / large);
    if (half_gap > 1e-9 * half_sum) {
        double angle = atan2(-2 * xy, xx - yy) * 90 / PI;
        t[ANGLE] = angle < 0 ? angle + 180 : angle;
    }
}

/* levels: of the grey, which is the signal or its negative. */
static void from_histogram(const uint32_t levels[256], int64_t intden, int64_t count, double *t)
{
    int64_t before = 0, powers[5] = {0, 0, 0, 0, 0}, most = 0;
    int32_t quartile[3] = {-1, -1, -1}, low = 0, high = 255, mode = 0;
    while (levels[low] == 0)
        low++;
    while (levels[high] == 0)
        high--;
    int64_t middle = (2 * intden + count) / (2 * count); /* the mean, rounded: powers about it stay small */
    for (int32_t k = low; k <= high; k++) {
        int64_t n = levels[k], away = k - middle, power = n;
        for (int p = 1; p < 5; p++)
            powers[p] += power *= away;
        if (n > most) {
            most = n;
            mode = k;
        }
        before += n;
        for (int q = 0; q < 3; q++)
            if (quartile[q] < 0 && 4 * before >= (q + 1) * count)
                quartile[q] = k;
    }
    double n = (double)count, d = (double)powers[1] / n;
    double p2 = (double)powers[2] / n, p3 = (double)powers[3] / n, p4 = (double)powers[4] / n;
    double m2 = p2 - d * d;
    double m3 = p3 - d * (3 * p2 - 2 * d * d);
    double m4 = p4 - d * (4 * p3 - d * (6 * p2 - 3 * d * d));
    if (low == high)
        m2 = m3 = m4 = 0;
    t[INTDEN] = (double)intden;
    t[MEAN] = (double)intden / n;
    t[STDDEV] = sqrt(over(m2 * n, n - 1));
    t[SKEW] = over(m3, m2 * sqrt(m2));
    t[KURT] = m2 > 0 ? m4 / (m2 * m2) - 3 : 0;
    t[MODE] = mode;
    t[MIN] = low;
    t[MAX] = high;
    t[HISTCUM1] = quartile[0];
    t[HISTCUM2] = t[MEDIAN] = quartile[1];
    t[HISTCUM3] = quartile[2];
}

/* Slope of the straight line (least squares) through the share of pixels at or below each level from the
 * lowest to the highest. */
static double slope_of(const uint32_t levels[256], int64_t count, int32_t low, int32_t high)
{
    int64_t n = high - low + 1, before = 0, sum = 0, product = 0;
    for (int32_t i = 0; i < n; i++) {
        before += levels[low + i];
        sum += before;
        product += i * before;
    }
    int64_t first = n * (n - 1) / 2, second = (n - 1) * n * (2 * n - 1) / 6;
    int64_t top = n * product - first * sum, bottom = n * second - first * first;
    return bottom ? (double)top / (double)bottom / (double)count : 0;
}

static void ratios(double *t)
{
    double side_exc = sqrt(t[AREA_EXC]), perimeter_squared = t[PERIM] * t[PERIM];
    t[RANGE] = t[MAX] - t[MIN];
    t[BOUNDING_BOX_AREA] = t[WIDTH] * t[HEIGHT];
    t[PERCENT_AREA] = 100 * (1 - t[AREA_EXC] / t[AREA]);
    t[CIRC] = 4 * PI * (t[AREA] / perimeter_squared);
    t[CIRCEX] = 4 * PI * (t[AREA_EXC] / perimeter_squared);
    t[ESD] = 2 * sqrt(t[AREA] / PI);
    t[ELONGATION] = t[MAJOR] / t[MINOR];
    t[MEANPOS] = over(t[MEAN] - t[MAX], t[MEAN] - t[MIN]);
    t[CV] = 100 * over(t[STDDEV], t[MEAN]);
    t[SR] = 100 * over(t[STDDEV], t[RANGE]);
    t[PERIMAREAEXC] = t[PERIM] / side_exc;
    t[FERETAREAEXC] = t[FERET] / side_exc;
    t[PERIMFERET] = t[PERIM] / t[FERET];
    t[PERIMMAJOR] = t[PERIM] / t[MAJOR];
    t[CDEXC] = t[CENTROIDS] / side_exc;
    t[KURT_MEAN] = over(t[KURT], t[MEAN]);
    t[SKEW_MEAN] = over(t[SKEW], t[MEAN]);
    t[CONVPERIM_PERIM] = t[CONVPERIM] / t[PERIM];
    t[CONVAREA_AREA] = t[CONVAREA] / t[AREA];
    t[MEDIAN_MEAN] = t[MEDIAN] - t[MEAN];
    t[MEDIAN_MEAN_RANGE] = over(t[MEDIAN] - t[MEAN], t[RANGE]);
    t[SOLIDITY] = t[AREA_EXC] / t[CONVAREA];
    t[EXTENT] = t[AREA_EXC] / t[BOUNDING_BOX_AREA];
    t[ASPECT_RATIO] = t[FERET_MIN] / t[FERET];
    t[SYMETRIEH_AREA] = t[SYMETRIEH] / t[AREA];
    t[SYMETRIEV_AREA] = t[SYMETRIEV] / t[AREA];
    t[SKELETON_AREA] = t[SKELAREA] / t[AREA];
}

/* --- one object */

static void place_and_shape(seadrift_measured *o, const int32_t *box, seadrift_point *points, double *t)
{
    seadrift_outline outline;
    seadrift_hull hull;
    seadrift_walk_outline(o, &outline);
    seadrift_hull_of(o, points, &hull);
    t[PERIM] = (double)outline.edges - (double)outline.corners * (2 - sqrt(2.0)) + (double)outline.diagonal / sqrt(2.0);
    t[BX] = (double)box[0] + o->left;
    t[BY] = t[YSTART] = (double)box[1] + o->top;
    t[XSTART] = (double)box[0] + o->first_x;
    t[WIDTH] = o->right - o->left;
    t[HEIGHT] = o->bottom - o->top;
    t[AREA_EXC] = (double)o->area_exc;
    t[CONVPERIM] = hull.perimeter;
    t[CONVAREA] = (double)hull.twice_area / 2;
    t[FERET] = sqrt((double)hull.feret_squared);
    t[FERET_MIN] = hull.feret_min;
    t[EULER_NUMBER] = (double)o->euler;
    t[NUMBLOBS] = (double)(o->euler + o->holes);
}

static void grey(const seadrift_measured *o, int32_t bright, const seadrift_signal *signal, double *t)
{
    uint32_t levels[256];
    int64_t count = (int64_t)t[AREA], intden = signal->moments.s[0][0];
    for (int k = 0; k < 256; k++)
        levels[k] = signal->levels[bright ? 255 - k : k];
    from_histogram(levels, bright ? 255 * count - intden : intden, count, t);
    t[SLOPE] = slope_of(levels, count, (int32_t)t[MIN], (int32_t)t[MAX]);
    seadrift_laplacian laplacian;
    seadrift_sum_laplacian(o, &laplacian);
    double cells = (double)o->width * o->height, mean = (double)laplacian.sum / cells;
    t[BLUR_LAPLACIAN] = (double)laplacian.squares / cells - mean * mean;
}

static void place_of_centroids(const seadrift_measured *o, const int32_t *box, const central *shape,
                               const central *weighted, double *t)
{
    double ox = (double)box[0] + o->left + (o->right - o->left) / 2;
    double oy = (double)box[1] + o->top + (o->bottom - o->top) / 2;
    const central *m = weighted->mass > 0 ? weighted : shape;
    double dx = shape->x - m->x, dy = shape->y - m->y;
    t[X] = ox + shape->x;
    t[Y] = oy + shape->y;
    t[XM] = ox + m->x;
    t[YM] = oy + m->y;
    t[CENTROIDS] = sqrt(dx * dx + dy * dy);
}

static void costly(const seadrift_measured *o, uint8_t *room, double *t)
{
    seadrift_costly found;
    seadrift_measure_costly(o, room, &found);
    t[FRACTAL] = found.fractal;
    t[SYMETRIEH] = found.unlike_across;
    t[SYMETRIEV] = found.unlike_along;
    t[SKELAREA] = found.skeleton;
    t[THICKR] = found.thickness_ratio;
    t[INSCRIBED] = found.inscribed;
}

static int32_t measure_object(const seadrift_measures *f, int32_t i, seadrift_room *room, float *values)
{
    const int32_t *box = f->boxes + 4 * (int64_t)i;
    double t[COLUMNS] = {0};
    seadrift_measured o = {.mask = f->masks + f->starts[i], .signal = f->signals + f->starts[i],
                           .height = box[3], .width = box[2]};
    o.stride = (o.width + 31) / 32 * 32 + 64;
    int64_t raster = (o.height + 2) * o.stride, margin = o.stride + 1;
    uint8_t *filled = seadrift_take(room, raster), *picture = seadrift_take(room, raster);
    seadrift_point *points = seadrift_take(room, 2 * ((int64_t)o.height + 2) * (int64_t)sizeof *points);
    if (!seadrift_find_spans(&o, room))
        return SEADRIFT_SMALL_MEASURES;
    if (o.bottom == 0)
        return SEADRIFT_BAD_ARGUMENT;
    int64_t more = f->costly ? seadrift_costly_bytes(o.bottom - o.top, o.right - o.left) : 0;
    uint8_t *costly_room = seadrift_take(room, more);
    if (!costly_room)
        return SEADRIFT_SMALL_MEASURES;
    o.filled = filled + margin;
    o.picture = picture + margin;
    seadrift_fill_holes(&o);
    draw_filled(&o);
    draw_picture(&o);

    seadrift_moments moments;
    seadrift_signal signal;
    central shape, weighted;
    seadrift_sum_shape(&o, &moments);
    seadrift_sum_signal(&o, &signal);
    centre(&moments, &shape);
    centre(&signal.moments, &weighted);
    t[AREA] = shape.mass;
    place_and_shape(&o, box, points, t);
    place_of_centroids(&o, box, &shape, &weighted, t);
    from_ellipse(&shape, t);
    grey(&o, f->bright, &signal, t);
    memcpy(t + HU, shape.hu, sizeof shape.hu);
    memcpy(t + GREY_HU, weighted.hu, sizeof weighted.hu);
    if (f->costly)
        costly(&o, costly_room, t);
    ratios(t);
    for (int k = 0; k < COLUMNS; k++)
        values[k] = (float)t[k];
    return SEADRIFT_OK;
}

static int32_t check(const seadrift_measures *f, int32_t i)
{
    int64_t width = f->boxes[4 * (int64_t)i + 2], height = f->boxes[4 * (int64_t)i + 3];
    if (width < 1 || height < 1 || width > SEADRIFT_MEASURES_MAX_SIDE || height > SEADRIFT_MEASURES_MAX_SIDE)
        return SEADRIFT_BAD_ARGUMENT;
    if (f->starts[i] < 0 || f->starts[i] > f->cells - width * height ||
        f->starts[i + 1] != f->starts[i] + width * height)
        return SEADRIFT_BAD_ARGUMENT;
    return SEADRIFT_OK;
}

int32_t seadrift_measure(seadrift_measures *frame)
{
    if (!frame || frame->objects < 0 || frame->columns != COLUMNS || frame->cells < 0 || frame->scratch_bytes < 0)
        return SEADRIFT_BAD_ARGUMENT;
    frame->refused = -1;
    frame->needed_scratch = 0;
    if (frame->objects == 0)
        return SEADRIFT_OK;
    if (!frame->boxes || !frame->starts || !frame->masks || !frame->signals || !frame->scratch || !frame->values)
        return SEADRIFT_BAD_ARGUMENT;
    for (int32_t i = 0; i < frame->objects; i++) {
        /* The room begins at a multiple of 32, wherever the scratch does. */
        int64_t skip = (int64_t)(-(uintptr_t)frame->scratch & 31);
        int64_t left = frame->scratch_bytes - skip;
        seadrift_room room = {left > 0 ? frame->scratch + skip : NULL, left > 0 ? left : 0, 32};
        int32_t code = check(frame, i);
        if (code == SEADRIFT_OK)
            code = measure_object(frame, i, &room, frame->values + (int64_t)i * COLUMNS);
        if (room.needed > frame->needed_scratch)
            frame->needed_scratch = room.needed;
        if (code != SEADRIFT_OK) {
            frame->refused = i;
            return code;
        }
    }
    return SEADRIFT_OK;
}
